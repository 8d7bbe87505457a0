// SPDX-License-Identifier: Apache-2.0
// What commands of the application print (a dump of a database) becomes files of the point. It goes
// straight into the repository; no more of it than a chunk and a group of frames is in memory.
#pragma once

#include "core/capture/run_hooks.hpp"
#include "core/repository/file_content.hpp"
#include "core/repository/repository.hpp"
#include "core/repository/writer.hpp"

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace backup::capture {

/// Stores bytes of unknown length as the content of one file.
class ContentSink : public ByteSink {
  public:
    /// Both must outlive the sink.
    ContentSink(const repository::Repository& repository,
                repository::Writer& writer,
                int compression_level);
    ~ContentSink() override;

    void write(ByteView bytes) override;
    /// Hands over what is left. Must be called, also when the file is given up: other files may
    /// count on its chunks. Once.
    repository::FileContent finish();

    std::uint64_t size() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// A file of the point: namespaces/<ns>/commands/<name>.
struct CommandOutput {
    std::string ns;
    std::string name;
    std::uint64_t bytes = 0;
    std::int64_t time_ns = 0;
    repository::FileContent content;
};

struct OutputContext {
    HookGateContext hooks;
    const repository::Repository& repository;
    repository::Writer& writer;
    int compression_level = 1;
    unsigned at_once = 2;
};

struct CommandOutputs {
    std::vector<CommandOutput> files;        // of the commands that ended well
    std::vector<model::HookRecord> records;  // of all, in the order of the plan
};

/// A command that fails, ends with another exit code than 0, or is cut off leaves no file: half a
/// dump is none. Throws what ends the run: stop, a repository that cannot be written.
CommandOutputs store_outputs(const OutputContext& context,
                             const std::vector<PlannedOutput>& plan,
                             const std::stop_token& stop);

}  // namespace backup::capture
