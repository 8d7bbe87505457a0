// SPDX-License-Identifier: Apache-2.0
// Gives what was written its owner, mode, times and extended attributes, and counts what was
// denied. Any thread; knows nothing of where in a tree a file is.
#pragma once

#include "core/model/file_entry.hpp"
#include "core/volume/tree_sink.hpp"

#include <atomic>
#include <cstdint>
#include <string>

namespace backup::volume {

class AttributeRestorer {
  public:
    explicit AttributeRestorer(const SinkOptions& options) : options_(options) {}

    /// Of an open file or directory.
    void restore_open(int file, const model::FileEntry& entry);
    /// Of a link or special file, which cannot be opened.
    void restore_named(int directory, const std::string& name, const model::FileEntry& entry);

    /// What could not be done becomes problems of the result.
    void report(SinkResult& result) const;

  private:
    struct Owner;

    Owner restore_owner(int file, const model::FileEntry& entry);
    void restore_xattrs(int file, const std::string& path, const model::FileEntry& entry);

    const SinkOptions options_;
    std::atomic<std::uint64_t> owners_denied_{0};
    std::atomic<std::uint64_t> xattrs_denied_{0};
    std::atomic<std::uint64_t> times_denied_{0};
};

/// With what a new file may be made so that its mode needs no further change: never more than it
/// shows in the end, and nothing for others while it may still change its owner.
unsigned creation_mode(const model::FileEntry& entry);

}  // namespace backup::volume
