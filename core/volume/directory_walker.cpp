// SPDX-License-Identifier: Apache-2.0
#include "core/volume/directory_walker.hpp"

#include "core/base/error.hpp"
#include "core/base/stop_on_signal.hpp"
#include "core/base/text.hpp"
#include "core/volume/file_attributes.hpp"
#include "core/volume/open_below.hpp"
#include "core/volume/protocol.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <sys/types.h>

namespace backup::volume {

namespace {

/// So many directories are open at a time; those further up are opened again on the way back.
constexpr std::size_t kOpenLevels = 64;

struct CloseDirectory {
    void operator()(DIR* stream) const { ::closedir(stream); }
};

std::string reason(int error_number) {
    return system_error(error_number, "read").message();
}

/// All names but "." and "..", sorted as bytes. `problem` is set when the listing broke off.
std::vector<std::string> list_names(int directory, std::string& problem) {
    std::vector<std::string> names;
    FileDescriptor copy(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const std::unique_ptr<DIR, CloseDirectory> stream(copy ? ::fdopendir(copy.get()) : nullptr);
    if (!stream) {
        problem = reason(errno);
        return names;
    }
    copy.release();
    for (;;) {
        errno = 0;
        const dirent* item = ::readdir(stream.get());
        if (item == nullptr) {
            break;
        }
        const std::string_view name = item->d_name;
        if (name != "." && name != "..") {
            names.emplace_back(name);
        }
    }
    if (errno != 0) {
        problem = reason(errno);
    }
    std::sort(names.begin(), names.end());
    // A directory that changes while it is listed may give a name twice.
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

bool matches_any(const std::vector<std::string>& patterns, std::string_view path) {
    const std::string_view name = path.substr(path.rfind('/') + 1);
    return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
        const bool has_slash = pattern.find('/') != std::string::npos;
        return matches_glob(pattern, path) || (!has_slash && matches_glob(pattern, name));
    });
}

}  // namespace

DirectoryWalker::DirectoryWalker(int root, WalkOptions options, Clock& clock)
    : root_(root),
      options_(std::move(options)),
      clock_(clock) {}

bool DirectoryWalker::is_excluded(std::string_view path) const {
    return matches_any(options_.exclude, path);
}

bool DirectoryWalker::is_included(std::string_view path) const {
    return options_.include.empty() || levels_.back().is_included ||
           matches_any(options_.include, path);
}

bool DirectoryWalker::is_foreign_mount(const struct stat& status) const {
    return status.st_dev != root_device_ && !options_.crosses_file_systems;
}

std::string DirectoryWalker::path_of(std::string_view name) const {
    std::string path = path_;
    if (!path.empty()) {
        path += '/';
    }
    path += name;
    return path;
}

void DirectoryWalker::complete(model::FileEntry& entry,
                               const struct stat& status,
                               WalkVisitor& visitor) {
    entry.is_racy = is_racy(status, clock_.now());
    if (status.st_dev != root_device_) {
        // Inode numbers of another file system would collide with those of this one.
        entry.inode = 0;
        entry.has_link_group = false;
    }
    const int directory = levels_.back().directory.get();
    const auto problem = read_xattrs(path_below(directory, entry.name), entry);
    if (!problem.empty()) {
        visitor.problem(path_of(entry.name), problem, true);
    }
}

void DirectoryWalker::push(Level level) {
    if (levels_.size() >= kOpenLevels) {
        levels_[levels_.size() - kOpenLevels].directory.close();
    }
    levels_.push_back(std::move(level));
}

void DirectoryWalker::pop(WalkVisitor& visitor) {
    levels_.pop_back();
    visitor.end_directory();
    if (levels_.empty()) {
        return;
    }
    Level& level = levels_.back();
    path_.resize(level.path_bytes);
    if (level.directory) {
        return;
    }
    level.directory = open_directory_below(root_, path_);

    struct stat status {};

    const bool is_same = level.directory && ::fstat(level.directory.get(), &status) == 0 &&
                         status.st_dev == level.device && status.st_ino == level.inode;
    if (!is_same && level.next < level.names.size()) {
        visitor.problem(path_, "the directory was moved while it was read", true);
        level.names.clear();
        level.next = 0;
    }
}

void DirectoryWalker::enter(WalkVisitor& visitor,
                            model::FileEntry entry,
                            const struct stat& status) {
    std::string path = path_of(entry.name);
    Level level;
    level.is_included = is_included(path);
    std::string problem;
    if (levels_.size() >= kDeepestDirectory || path.size() > kLongestPath) {
        problem = "directories are nested too deeply";
    } else {
        level.directory =
            open_component(levels_.back().directory.get(), entry.name, O_RDONLY | O_DIRECTORY);
        if (!level.directory) {
            problem = reason(errno);
        }
    }
    if (is_foreign_mount(status)) {
        visitor.problem(path, "another file system is mounted here; its files are left out", false);
    } else if (level.directory) {
        level.names = list_names(level.directory.get(), problem);
    }
    entry.content_unreadable = !problem.empty();
    level.device = status.st_dev;
    level.inode = status.st_ino;
    level.path_bytes = path.size();
    visitor.begin_directory(std::move(entry), std::move(problem));
    path_ = std::move(path);
    push(std::move(level));
}

void DirectoryWalker::visit(WalkVisitor& visitor, const std::string& name) {
    const std::string path = path_of(name);
    const int directory = levels_.back().directory.get();

    struct stat status {};

    if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT) {
            visitor.problem(path, reason(errno), true);
        }
        return;
    }
    const bool is_directory = S_ISDIR(status.st_mode);
    // The place where fsck of ext file systems puts what it finds: not data of anybody.
    const bool is_lost_and_found = is_directory && levels_.size() == 1 && name == "lost+found";
    if (is_lost_and_found || is_excluded(path) || (!is_directory && !is_included(path))) {
        return;
    }
    if (!is_directory && is_foreign_mount(status)) {
        visitor.problem(path, "a file of another file system is mounted here; left out", false);
        return;
    }
    model::FileEntry entry = entry_from_stat(name, status);
    complete(entry, status, visitor);
    if (is_directory) {
        enter(visitor, std::move(entry), status);
        return;
    }
    if (entry.type == model::FileType::Symlink) {
        entry.link_target = read_link(directory, name);
        if (entry.link_target.empty()) {
            if (errno != ENOENT) {
                visitor.problem(path, reason(errno), true);
            }
            return;
        }
        entry.size = entry.link_target.size();
    }
    visitor.file(std::move(entry), path_);
}

void DirectoryWalker::walk(WalkVisitor& visitor, const std::stop_token& stop) {
    struct stat status {};

    if (::fstat(root_, &status) != 0) {
        throw system_error(errno, "read the root of the volume");
    }
    root_device_ = status.st_dev;
    Level level;
    level.directory = open_component(root_, ".", O_RDONLY | O_DIRECTORY);
    if (!level.directory) {
        throw system_error(errno, "read the root of the volume");
    }
    std::string problem;
    level.names = list_names(level.directory.get(), problem);
    level.device = status.st_dev;
    level.inode = status.st_ino;
    model::FileEntry entry = entry_from_stat({}, status);
    entry.content_unreadable = !problem.empty();
    const auto lacks_xattrs = read_xattrs(path_below(level.directory.get(), {}) + "/.", entry);
    path_.clear();
    levels_.clear();
    push(std::move(level));
    visitor.begin_directory(std::move(entry), std::move(problem));
    if (!lacks_xattrs.empty()) {
        visitor.problem(".", lacks_xattrs, true);
    }
    while (!levels_.empty()) {
        throw_if_stopped(stop);
        Level& top = levels_.back();
        if (top.next == top.names.size()) {
            pop(visitor);
        } else {
            // Copied: a deeper level may move the list this name is in.
            const std::string name = top.names[top.next++];
            visit(visitor, name);
        }
    }
}

}  // namespace backup::volume
