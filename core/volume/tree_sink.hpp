// SPDX-License-Identifier: Apache-2.0
// Where a tree of files is written to: a local directory, or a volume behind a mover. What cannot
// be done with one entry is counted, not thrown.
#pragma once

#include "core/base/bytes.hpp"
#include "core/base/problem.hpp"
#include "core/model/file_entry.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace backup::volume {

struct SinkResult {
    std::uint64_t files = 0;  // every entry that is not a directory
    std::uint64_t directories = 0;
    std::uint64_t bytes = 0;
    std::uint64_t problem_count = 0;
    std::vector<Problem> problems;  // the first 1000

    void add_problem(std::string subject, std::string message);
};

struct SinkOptions {
    /// False: the target must be empty. True: files are replaced, each at once; directories are
    /// merged; what is not in the tree stays.
    bool overwrites = false;
    bool restores_owners = true;
    /// Owner, mode, times and attributes of the root go to the target directory too.
    bool restores_root = true;
    bool restores_special_files = true;
    /// security.selinux labels; off: they belong to the machine they came from.
    bool restores_selinux = false;

    bool operator==(const SinkOptions&) const = default;
};

/// Takes the content of one regular file, from its beginning to its end.
class ContentSink {
  public:
    virtual ~ContentSink() = default;
    virtual void write(ByteView bytes) = 0;
    virtual void skip(std::uint64_t hole_bytes) = 0;
};

/// Entries come depth-first: begin_directory (the root first, its name ignored), what is in it,
/// end_directory. One thread. Every call may throw what ends the whole run: no space, a broken
/// channel, stop.
class TreeSink : public ContentSink {
  public:
    virtual void begin_directory(const model::FileEntry& entry) = 0;
    virtual void end_directory() = 0;

    /// A regular file: begin_file, then its content, end_file.
    virtual void begin_file(const model::FileEntry& entry) = 0;
    virtual void end_file() = 0;
    /// Instead of end_file: the content cannot be had; nothing of the file stays.
    virtual void abandon_file(std::string_view reason) = 0;

    /// A symbolic link, fifo, socket or device.
    virtual void add(const model::FileEntry& entry) = 0;
    /// A further name of a file that was written before; `target` is its path below the root.
    virtual void add_link(const model::FileEntry& entry, std::string_view target) = 0;

    /// After the root was ended: everything is durable when this returns.
    virtual SinkResult finish() = 0;
};

}  // namespace backup::volume
