// SPDX-License-Identifier: Apache-2.0
#include "core/volume/directory_sink.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/volume/open_below.hpp"

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace backup::volume {

namespace {

constexpr std::size_t kOpenLevels = 64;

bool is_empty(int directory) {
    FileDescriptor copy(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const auto close = [](DIR* stream) { ::closedir(stream); };
    const std::unique_ptr<DIR, decltype(close)> stream(::fdopendir(copy.get()), close);
    if (!stream) {
        throw system_error(errno, "read the target directory");
    }
    copy.release();
    while (const dirent* item = ::readdir(stream.get())) {
        const std::string_view name = item->d_name;
        // A new file system is empty although it has this directory.
        if (name != "." && name != ".." && name != "lost+found") {
            return false;
        }
    }
    return true;
}

std::string_view directory_part(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

}  // namespace

FileDescriptor open_target_directory(const std::filesystem::path& target) {
    if (::mkdir(target.c_str(), 0700) != 0 && errno != EEXIST) {
        throw system_error(errno, concat("make ", printable(target.string())));
    }
    return open_file(target, O_RDONLY | O_DIRECTORY);
}

DirectorySink::DirectorySink(FileDescriptor root, const std::string& name, SinkOptions options)
    : ledger_(options),
      root_(std::move(root)) {
    if (!options.overwrites && !is_empty(root_.get())) {
        throw Error(ErrorCode::AlreadyExists,
                    concat("the directory ", printable(name), " is not empty"))
            .hint("take an empty directory, or allow files to be overwritten");
    }
}

DirectorySink::~DirectorySink() = default;

std::string DirectorySink::path_of(std::string_view name) const {
    return levels_.back().target->path_of(name);
}

void DirectorySink::fail(std::string_view name, std::string_view what, int error_number) {
    ledger_.fail(path_of(name), what, error_number);
}

/// Where nothing older can be, the name itself.
std::string DirectorySink::working_name(const std::string& name) {
    return ledger_.options.overwrites && !levels_.back().is_new ? ledger_.make_working_name()
                                                                : name;
}

FileDescriptor DirectorySink::make_directory(const std::string& name, bool& is_new) {
    is_new = ::mkdirat(here(), name.c_str(), 0700) == 0;
    if (!is_new) {
        if (errno != EEXIST || !ledger_.options.overwrites) {
            return {};
        }
        FileDescriptor there = open_component(here(), name, O_RDONLY | O_DIRECTORY);
        if (there || (errno != ENOTDIR && errno != ELOOP)) {
            return there;
        }
        // Something else has the name: it is replaced, like a file would be.
        if (::unlinkat(here(), name.c_str(), 0) != 0 ||
            ::mkdirat(here(), name.c_str(), 0700) != 0) {
            return {};
        }
    }
    return open_component(here(), name, O_RDONLY | O_DIRECTORY);
}

void DirectorySink::push(Level level) {
    if (levels_.size() >= kOpenLevels) {
        let_go(levels_[levels_.size() - kOpenLevels]);
    }
    levels_.push_back(std::move(level));
}

void DirectorySink::let_go(Level& level) {
    struct stat status {};

    if (::fstat(level.target->get(), &status) != 0) {
        throw system_error(errno, "look at a directory");
    }
    level.device = status.st_dev;
    level.inode = status.st_ino;
    level.before = level.target;
    level.target.reset();
}

void DirectorySink::begin_directory(const model::FileEntry& entry) {
    if (skipped_levels_ > 0) {
        ++skipped_levels_;
        return;
    }
    Level level;
    level.entry = entry;
    FileDescriptor directory;
    if (levels_.empty()) {
        directory = open_component(root_.get(), ".", O_RDONLY | O_DIRECTORY);
        if (!directory) {
            throw system_error(errno, "open the target directory");
        }
    } else {
        directory = make_directory(entry.name, level.is_new);
        if (!directory) {
            fail(entry.name, "make the directory", errno);
            ++skipped_levels_;
            return;
        }
        level.path =
            std::make_shared<const TargetPath>(TargetPath{levels_.back().path, entry.name});
        ledger_.count_directory();
    }
    level.target =
        std::make_shared<DirectoryTarget>(ledger_, std::move(directory), level.path, level.is_new);
    push(std::move(level));
}

void DirectorySink::end_directory() {
    if (skipped_levels_ > 0) {
        --skipped_levels_;
        return;
    }
    const Level level = std::move(levels_.back());
    levels_.pop_back();
    if (!levels_.empty() || ledger_.options.restores_root) {
        level.target->end(level.entry);
    }
    if (!levels_.empty() && !levels_.back().target) {
        open_again(levels_.back(), *level.target);
    }
}

/// One step up from the directory below, as long as that leads where it came from: somebody may
/// have moved it elsewhere. Otherwise all the way down from the root.
void DirectorySink::open_again(Level& level, const DirectoryTarget& below) {
    struct stat status {};

    FileDescriptor directory = open_component(below.get(), "..", O_RDONLY | O_DIRECTORY);
    if (!directory || ::fstat(directory.get(), &status) != 0 || status.st_dev != level.device ||
        status.st_ino != level.inode) {
        const std::string path = level.path == nullptr
                                     ? std::string()
                                     : path_text(level.path->above.get(), level.path->name);
        directory = open_directory_below(root_.get(), path);
    }
    if (!directory) {
        throw system_error(errno, "open a directory above again");
    }
    level.target =
        std::make_shared<DirectoryTarget>(ledger_, std::move(directory), level.path, level.is_new);
    if (const auto before = level.before.lock()) {
        before->succeed_with(level.target);
    }
}

DirectoryTargetPointer DirectorySink::current_directory() const {
    return skipped_levels_ > 0 ? nullptr : levels_.back().target;
}

void DirectorySink::begin_file(const model::FileEntry& entry) {
    if (skipped_levels_ == 0) {
        open_.emplace(levels_.back().target, entry);
    }
}

void DirectorySink::write(ByteView bytes) {
    if (open_) {
        open_->write(bytes);
    }
}

void DirectorySink::skip(std::uint64_t hole_bytes) {
    if (open_) {
        open_->skip(hole_bytes);
    }
}

void DirectorySink::end_file() {
    if (open_) {
        open_->end();
        open_.reset();
    }
}

void DirectorySink::abandon_file(std::string_view reason) {
    if (open_) {
        open_->abandon(reason);
        open_.reset();
    }
}

bool DirectorySink::make_node(const std::string& name, const model::FileEntry& entry) {
    const auto make = [&](mode_t type, dev_t device) {
        return ::mknodat(here(), name.c_str(), type | 0600U, device) == 0;
    };
    const auto device = [&entry] { return makedev(entry.device_major, entry.device_minor); };
    switch (entry.type) {
        case model::FileType::Symlink:
            return ::symlinkat(entry.link_target.c_str(), here(), name.c_str()) == 0;
        case model::FileType::Fifo:
            return make(S_IFIFO, 0);
        case model::FileType::Socket:
            return make(S_IFSOCK, 0);
        case model::FileType::CharacterDevice:
            return make(S_IFCHR, device());
        case model::FileType::BlockDevice:
            return make(S_IFBLK, device());
        default:
            errno = EINVAL;
            return false;
    }
}

void DirectorySink::add(const model::FileEntry& entry) {
    if (skipped_levels_ > 0 ||
        (entry.type != model::FileType::Symlink && !ledger_.options.restores_special_files)) {
        return;
    }
    std::string name = working_name(entry.name);
    bool is_made = make_node(name, entry);
    if (!is_made && errno == EEXIST && ledger_.options.overwrites) {
        name = ledger_.make_working_name();
        is_made = make_node(name, entry);
    }
    if (!is_made) {
        fail(entry.name,
             entry.type == model::FileType::Symlink ? "make the link" : "make the special file",
             errno);
        return;
    }
    ledger_.attributes.restore_named(here(), name, entry);
    if (levels_.back().target->put_in_place(name, entry.name)) {
        ledger_.count_file(0);
    }
}

/// 0 or errno. A neighbour is linked by its name, anything else by way of a descriptor, so that no
/// link is followed.
int DirectorySink::make_link(const std::string& name, std::string_view target) {
    const std::string_view above = directory_part(target);
    const std::string own = path_of({});
    if (above.size() + (own.empty() ? 0 : 1) == own.size() &&
        own.compare(0, above.size(), above) == 0) {
        const std::string neighbour(target.substr(own.size()));
        return ::linkat(here(), neighbour.c_str(), here(), name.c_str(), 0) == 0 ? 0 : errno;
    }
    const FileDescriptor file = open_below(root_.get(), target, O_PATH);
    if (!file) {
        return errno;
    }
    const std::string source = "/proc/self/fd/" + std::to_string(file.get());
    return ::linkat(AT_FDCWD, source.c_str(), here(), name.c_str(), AT_SYMLINK_FOLLOW) == 0 ? 0
                                                                                            : errno;
}

void DirectorySink::add_link(const model::FileEntry& entry, std::string_view target) {
    if (skipped_levels_ > 0) {
        return;
    }
    const std::string doing = concat("link to ", printable(target));
    if (ledger_.is_unmade(target)) {
        fail(entry.name, doing, ENOENT);
        return;
    }
    std::string name = working_name(entry.name);
    int reason = make_link(name, target);
    if (reason == EEXIST && ledger_.options.overwrites) {
        name = ledger_.make_working_name();
        reason = make_link(name, target);
    }
    if (reason != 0) {
        fail(entry.name, doing, reason);
        return;
    }
    if (levels_.back().target->put_in_place(name, entry.name)) {
        // rename(2) between two names of the same file does nothing and keeps both.
        if (name != entry.name) {
            ::unlinkat(here(), name.c_str(), 0);
        }
        ledger_.count_file(0);
    }
}

SinkResult DirectorySink::finish() {
    if (::syncfs(root_.get()) != 0) {
        throw system_error(errno, "write the target directory to disk");
    }
    return ledger_.result();
}

}  // namespace backup::volume
