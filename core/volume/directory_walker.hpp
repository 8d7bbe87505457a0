// SPDX-License-Identifier: Apache-2.0
// Walks a directory tree depth-first, names in byte order, without following a link or leaving the
// root. What cannot be read is told, not thrown: one bad file never ends a backup.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/model/file_entry.hpp"
#include "core/volume/directory_names.hpp"
#include "core/volume/xattr_reader.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <stop_token>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <vector>

namespace backup::volume {

struct WalkOptions {
    /// Into everything that is mounted below but what the kernel itself shows there (/proc) and the
    /// volume once more.
    bool crosses_file_systems = false;
    /// Globs over paths below the root; empty: everything. One without '/' means a name at any
    /// depth, one that begins with '/' or "./" the path from the root.
    std::vector<std::string> include;
    std::vector<std::string> exclude;
    /// Grows with all that is looked at, also what is left out; none: nobody wants to know.
    std::atomic<std::uint64_t>* steps = nullptr;
};

/// Called in tree order from the walking thread. `directory` is the path below the root of the
/// directory the entry is in.
class WalkVisitor {
  public:
    virtual ~WalkVisitor() = default;
    /// `problem`: why its own entries are missing or incomplete; empty: they are not.
    virtual void begin_directory(model::FileEntry entry, std::string problem) = 0;
    virtual void file(model::FileEntry entry, std::string_view directory) = 0;
    virtual void end_directory() = 0;
    virtual void problem(std::string path, std::string message, bool is_loss) = 0;
    /// Another file system is mounted there, and is not gone into; of a file it is the file.
    virtual void file_system_left_out(std::string path) = 0;
};

class DirectoryWalker {
  public:
    /// `root` must stay open. Memory: the names of the directories on the way down.
    DirectoryWalker(int root, WalkOptions options, Clock& clock);

    /// Throws only when the root itself cannot be read, or on stop.
    void walk(WalkVisitor& visitor, const std::stop_token& stop);

    /// Of the last walk: entries, no directories, that no include glob matched.
    std::uint64_t not_included() const { return not_included_; }

  private:
    struct Level {
        FileDescriptor directory;  // closed far above the current one
        dev_t device = 0;
        ino_t inode = 0;
        std::size_t path_bytes = 0;
        bool is_included = false;
        DirectoryNames names;
    };

    void visit(WalkVisitor& visitor, const char* name);
    void enter(WalkVisitor& visitor, model::FileEntry entry, const struct stat& status);
    void push(Level level);
    void pop(WalkVisitor& visitor);
    bool is_left_out(std::string_view name, bool is_directory);
    bool may_hold_wanted(std::string_view path) const;
    std::string why_not_entered(const Level& mounted) const;
    bool is_included(std::string_view path) const;
    bool is_foreign_mount(const struct stat& status) const;
    std::string path_of(std::string_view name) const;
    void complete(model::FileEntry& entry, const struct stat& status, WalkVisitor& visitor);

    int root_;
    WalkOptions options_;
    Clock& clock_;
    dev_t root_device_ = 0;
    std::uint64_t not_included_ = 0;
    XattrReader xattrs_;
    std::deque<Level> levels_;
    std::string path_;  // of the deepest level
};

}  // namespace backup::volume
