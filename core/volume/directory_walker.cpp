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
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

namespace backup::volume {

namespace {

/// So many directories are open at a time; those further up are opened again on the way back.
constexpr std::size_t kOpenLevels = 64;

std::string reason(int error_number) {
    return system_error(error_number, "read").message();
}

/// A glob as people write it: "/uploads/", "./uploads" and "uploads" name the same path.
struct PathGlob {
    std::string_view text;
    bool is_anywhere = false;  // a name at any depth

    explicit PathGlob(std::string_view pattern) : text(pattern) {
        bool is_anchored = false;
        while (text.starts_with("./") || text.starts_with('/')) {
            text.remove_prefix(text.front() == '/' ? 1 : 2);
            is_anchored = true;
        }
        while (text.ends_with('/')) {
            text.remove_suffix(1);
        }
        if (text.empty() || text == ".") {
            text = "*";
        }
        is_anywhere = !is_anchored && text.find('/') == std::string_view::npos;
    }
};

bool matches_any(const std::vector<std::string>& patterns, std::string_view path) {
    const std::string_view name = path.substr(path.rfind('/') + 1);
    return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
        const PathGlob glob(pattern);
        return matches_glob(glob.text, path) || (glob.is_anywhere && matches_glob(glob.text, name));
    });
}

/// False when nothing below `path` can match.
bool may_match_below(std::string_view pattern, std::string_view path) {
    const PathGlob glob(pattern);
    const auto fixed =
        glob.text.substr(0, std::min(glob.text.find_first_of("*?["), glob.text.size()));
    const auto length = std::min(fixed.size(), path.size());
    return glob.is_anywhere || fixed.substr(0, length) == path.substr(0, length);
}

/// File systems that are no storage: the kernel makes up what they show. The numbers of the last
/// two are in its sources only (fs/configfs/mount.c, fs/fuse/control.c).
bool is_of_kernel(int directory) {
    static constexpr std::array<std::uint64_t, 16> kMagics = {PROC_SUPER_MAGIC,
                                                              SYSFS_MAGIC,
                                                              CGROUP_SUPER_MAGIC,
                                                              CGROUP2_SUPER_MAGIC,
                                                              DEVPTS_SUPER_MAGIC,
                                                              DEBUGFS_MAGIC,
                                                              TRACEFS_MAGIC,
                                                              SECURITYFS_MAGIC,
                                                              BPF_FS_MAGIC,
                                                              SELINUX_MAGIC,
                                                              NSFS_MAGIC,
                                                              BINFMTFS_MAGIC,
                                                              PSTOREFS_MAGIC,
                                                              EFIVARFS_MAGIC,
                                                              0x62656570U,   // configfs
                                                              0x65735543U};  // fusectl

    struct statfs status {};

    return ::fstatfs(directory, &status) == 0 &&
           std::find(kMagics.begin(),
                     kMagics.end(),
                     static_cast<std::uint64_t>(status.f_type) & 0xFFFFFFFFU) != kMagics.end();
}

}  // namespace

DirectoryWalker::DirectoryWalker(int root, WalkOptions options, Clock& clock)
    : root_(root),
      options_(std::move(options)),
      clock_(clock) {}

bool DirectoryWalker::is_left_out(std::string_view name, bool is_directory) {
    if (options_.exclude.empty() && options_.include.empty()) {
        return false;
    }
    const std::string path = path_of(name);
    if (matches_any(options_.exclude, path)) {
        return true;
    }
    if (is_directory || is_included(path)) {
        return false;
    }
    ++not_included_;
    return true;
}

/// Of a directory: itself, or something in it, may be one that was asked for.
bool DirectoryWalker::may_hold_wanted(std::string_view path) const {
    return is_included(path) || std::any_of(options_.include.begin(),
                                            options_.include.end(),
                                            [path](const std::string& pattern) {
                                                return may_match_below(pattern, path);
                                            });
}

/// Of a directory where something is mounted and may be gone into; empty: it is.
std::string DirectoryWalker::why_not_entered(const Level& mounted) const {
    if (is_of_kernel(mounted.directory.get())) {
        return "the kernel shows itself here; left out";
    }
    const bool is_again = std::any_of(levels_.begin(), levels_.end(), [&mounted](const Level& one) {
        return one.device == mounted.device && one.inode == mounted.inode;
    });
    return is_again ? "a directory above is mounted here once more; left out" : "";
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
    const auto problem = xattrs_.read(directory, entry.name.c_str(), entry);
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
    if (!is_same && !level.names.is_at_end()) {
        visitor.problem(path_, "the directory was moved while it was read", true);
        level.names.clear();
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
    level.device = status.st_dev;
    level.inode = status.st_ino;
    if (is_foreign_mount(status)) {
        if (may_hold_wanted(path)) {
            visitor.file_system_left_out(path);
        }
    } else if (level.directory) {
        const bool is_mount = status.st_dev != levels_.back().device;
        const auto obstacle = is_mount ? why_not_entered(level) : std::string();
        if (!obstacle.empty()) {
            visitor.problem(path, obstacle, false);
        } else {
            level.names = DirectoryNames(level.directory.get(), problem, options_.steps);
        }
    }
    entry.content_unreadable = !problem.empty();
    level.path_bytes = path.size();
    visitor.begin_directory(std::move(entry), std::move(problem));
    path_ = std::move(path);
    push(std::move(level));
}

void DirectoryWalker::visit(WalkVisitor& visitor, const char* name) {
    const int directory = levels_.back().directory.get();

    struct stat status {};

    if (::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT) {
            visitor.problem(path_of(name), reason(errno), true);
        }
        return;
    }
    const bool is_directory = S_ISDIR(status.st_mode);
    // The place where fsck of ext file systems puts what it finds: not data of anybody.
    const bool is_lost_and_found =
        is_directory && levels_.size() == 1 && std::string_view(name) == "lost+found";
    if (is_lost_and_found || is_left_out(name, is_directory)) {
        return;
    }
    if (!is_directory && is_foreign_mount(status)) {
        visitor.file_system_left_out(path_of(name));
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
                visitor.problem(path_of(name), reason(errno), true);
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
    not_included_ = 0;
    Level level;
    level.directory = open_component(root_, ".", O_RDONLY | O_DIRECTORY);
    if (!level.directory) {
        throw system_error(errno, "read the root of the volume");
    }
    std::string problem;
    level.names = DirectoryNames(level.directory.get(), problem, options_.steps);
    level.device = status.st_dev;
    level.inode = status.st_ino;
    model::FileEntry entry = entry_from_stat({}, status);
    entry.content_unreadable = !problem.empty();
    const auto lacks_xattrs = xattrs_.read(level.directory.get(), ".", entry);
    path_.clear();
    levels_.clear();
    push(std::move(level));
    visitor.begin_directory(std::move(entry), std::move(problem));
    if (!lacks_xattrs.empty()) {
        visitor.problem(".", lacks_xattrs, true);
    }
    while (!levels_.empty()) {
        throw_if_stopped(stop);
        if (options_.steps != nullptr) {
            ++*options_.steps;
        }
        Level& top = levels_.back();
        if (top.names.is_at_end()) {
            pop(visitor);
        } else {
            visit(visitor, top.names.take_next());
        }
    }
}

}  // namespace backup::volume
