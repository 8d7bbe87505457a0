// SPDX-License-Identifier: Apache-2.0
// One regular file that is being written. Until it is ended, what had its name before stays, where
// something can have been there. One thread at a time; other files may be written meanwhile.
#pragma once

#include "core/base/file_descriptor.hpp"
#include "core/model/file_entry.hpp"
#include "core/volume/directory_target.hpp"
#include "core/volume/tree_sink.hpp"

#include <string>
#include <string_view>

namespace backup::volume {

class FileTarget : public ContentSink {
  public:
    /// Makes it. When that fails it is a problem of the run and all below does nothing.
    FileTarget(DirectoryTargetPointer directory, model::FileEntry entry);
    /// What was neither ended nor abandoned leaves nothing behind.
    ~FileTarget() override;
    FileTarget(const FileTarget&) = delete;
    FileTarget& operator=(const FileTarget&) = delete;

    void write(ByteView bytes) override;
    void skip(std::uint64_t hole_bytes) override;
    void end();
    void abandon(std::string_view reason);

  private:
    void create();
    void discard();
    void start_writeback(std::uint64_t least);

    DirectoryTargetPointer directory_;
    model::FileEntry entry_;
    std::string name_;  // what it is called until it is complete
    FileDescriptor file_;
    std::uint64_t written_ = 0;
    std::uint64_t pushed_ = 0;  // the disk was told to begin
};

}  // namespace backup::volume
