// SPDX-License-Identifier: Apache-2.0
// Where the bytes of objects go: chunks that share frames in the repository, or nowhere when only a
// plan is wanted. One sink for each thread.
#pragma once

#include "core/repository/file_content.hpp"
#include "core/repository/repository.hpp"
#include "core/repository/writer.hpp"

#include <functional>
#include <memory>
#include <string_view>

namespace backup::capture {

class ObjectSink {
  public:
    virtual ~ObjectSink() = default;
    /// Takes the bytes of one object and says where they will be.
    virtual repository::FileContent store(std::string_view bytes) = 0;
    /// Hands everything over to the repository; must be called after the last store(), also when
    /// what it was for has failed: other sinks may count on the chunks.
    virtual void flush() = 0;
};

using MakeObjectSink = std::function<std::unique_ptr<ObjectSink>()>;

/// Both arguments must outlive the sink.
std::unique_ptr<ObjectSink> make_object_sink(const repository::Repository& repository,
                                             repository::Writer& writer,
                                             int compression_level);

/// Keeps nothing.
std::unique_ptr<ObjectSink> make_discarding_sink();

}  // namespace backup::capture
