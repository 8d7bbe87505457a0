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

bool ends_the_run(int error_number) {
    return error_number == ENOSPC || error_number == EDQUOT || error_number == EROFS;
}

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

}  // namespace

void SinkResult::add_problem(std::string subject, std::string message) {
    constexpr std::size_t kKept = 1000;
    ++problem_count;
    if (problems.size() < kKept) {
        problems.push_back({std::move(subject), std::move(message), ErrorCode::Incomplete});
    }
}

FileDescriptor open_target_directory(const std::filesystem::path& target) {
    if (::mkdir(target.c_str(), 0700) != 0 && errno != EEXIST) {
        throw system_error(errno, concat("make ", printable(target.string())));
    }
    return open_file(target, O_RDONLY | O_DIRECTORY);
}

DirectorySink::DirectorySink(FileDescriptor root, const std::string& name, SinkOptions options)
    : options_(options),
      root_(std::move(root)) {
    if (!options_.overwrites && !is_empty(root_.get())) {
        throw Error(ErrorCode::AlreadyExists,
                    concat("the directory ", printable(name), " is not empty"))
            .hint("take an empty directory, or allow files to be overwritten");
    }
}

DirectorySink::~DirectorySink() {
    discard_file();
}

std::string DirectorySink::path_of(std::string_view name) const {
    return path_.empty() ? std::string(name) : concat(path_, "/", name);
}

void DirectorySink::fail(std::string_view name, std::string_view what, int error_number) {
    const Error error = system_error(error_number, what);
    if (ends_the_run(error_number)) {
        Error full = error;
        full.add_context(printable(path_of(name)));
        throw full;
    }
    note_unmade(name);
    result_.add_problem(printable(path_of(name)), error.message());
}

void DirectorySink::note_unmade(std::string_view name) {
    // Into an empty target nothing older can be there.
    if (options_.overwrites) {
        unmade_.insert(std::hash<std::string_view>()(path_of(name)));
    }
}

/// Also below a directory that could not be made.
bool DirectorySink::is_unmade(std::string_view path) const {
    while (!unmade_.empty() && !path.empty()) {
        if (unmade_.contains(std::hash<std::string_view>()(path))) {
            return true;
        }
        const std::size_t slash = path.rfind('/');
        path = slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
    }
    return false;
}

/// Without permission to overwrite, the name itself: nobody else is there and O_EXCL holds.
std::string DirectorySink::working_name(const std::string& name) {
    return options_.overwrites
               ? concat(".kubectl-backup-", ::getpid(), "-", next_working_name_++, ".tmp")
               : name;
}

bool DirectorySink::put_in_place(const std::string& working, const std::string& name) {
    if (working == name) {
        return true;
    }
    const bool is_done = ::renameat(here(), working.c_str(), here(), name.c_str()) == 0;
    const int reason = errno;
    // rename(2) between two names of the same file does nothing and keeps both.
    ::unlinkat(here(), working.c_str(), 0);
    if (!is_done) {
        fail(name, "put in place", reason);
    }
    return is_done;
}

FileDescriptor DirectorySink::make_directory(const std::string& name) {
    if (::mkdirat(here(), name.c_str(), 0700) != 0) {
        if (errno != EEXIST || !options_.overwrites) {
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
        levels_[levels_.size() - kOpenLevels].directory.close();
    }
    levels_.push_back(std::move(level));
}

void DirectorySink::begin_directory(const model::FileEntry& entry) {
    if (skipped_levels_ > 0) {
        ++skipped_levels_;
        return;
    }
    Level level;
    level.entry = entry;
    if (levels_.empty()) {
        level.directory = open_component(root_.get(), ".", O_RDONLY | O_DIRECTORY);
        push(std::move(level));
        return;
    }
    level.directory = make_directory(entry.name);
    if (!level.directory) {
        fail(entry.name, "make the directory", errno);
        ++skipped_levels_;
        return;
    }
    path_ = path_of(entry.name);
    level.path_bytes = path_.size();
    push(std::move(level));
    ++result_.directories;
}

void DirectorySink::end_directory() {
    if (skipped_levels_ > 0) {
        --skipped_levels_;
        return;
    }
    Level level = std::move(levels_.back());
    levels_.pop_back();
    if (!levels_.empty() || options_.restores_root) {
        restore_open(level.directory.get(), level.entry);
    }
    if (levels_.empty()) {
        return;
    }
    Level& above = levels_.back();
    path_.resize(above.path_bytes);
    if (!above.directory) {
        above.directory = open_directory_below(root_.get(), path_);
    }
    if (!above.directory) {
        throw system_error(errno, concat("open ", printable(path_), " again"));
    }
}

void DirectorySink::begin_file(const model::FileEntry& entry) {
    if (skipped_levels_ > 0) {
        return;
    }
    open_ = OpenFile{};
    open_.entry = entry;
    open_.name = working_name(entry.name);
    open_.file = open_component(here(), open_.name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    is_file_open_ = static_cast<bool>(open_.file);
    if (!is_file_open_) {
        fail(entry.name, "create", errno);
    }
}

void DirectorySink::write(ByteView bytes) {
    while (is_file_open_ && !bytes.empty()) {
        const auto count = ::pwrite(
            open_.file.get(), bytes.data(), bytes.size(), static_cast<off_t>(open_.written));
        if (count >= 0) {
            open_.written += static_cast<std::uint64_t>(count);
            bytes = bytes.subspan(static_cast<std::size_t>(count));
        } else if (errno != EINTR) {
            const int reason = errno;
            discard_file();
            fail(open_.entry.name, "write", reason);
        }
    }
}

void DirectorySink::skip(std::uint64_t hole_bytes) {
    if (!is_file_open_) {
        return;
    }
    open_.written += hole_bytes;
    if (::ftruncate(open_.file.get(), static_cast<off_t>(open_.written)) != 0) {
        const int reason = errno;
        discard_file();
        fail(open_.entry.name, "make a hole", reason);
    }
}

void DirectorySink::discard_file() {
    if (is_file_open_) {
        is_file_open_ = false;
        open_.file.close();
        ::unlinkat(here(), open_.name.c_str(), 0);
    }
}

void DirectorySink::abandon_file(std::string_view reason) {
    if (skipped_levels_ > 0) {
        return;
    }
    if (is_file_open_) {
        discard_file();
        note_unmade(open_.entry.name);
        result_.add_problem(printable(path_of(open_.entry.name)), std::string(reason));
    }
}

void DirectorySink::end_file() {
    if (!is_file_open_) {
        return;
    }
    restore_open(open_.file.get(), open_.entry);
    is_file_open_ = false;
    open_.file.close();
    if (put_in_place(open_.name, open_.entry.name)) {
        ++result_.files;
        result_.bytes += open_.written;
    }
}

bool DirectorySink::make_node(const std::string& name, const model::FileEntry& entry) {
    switch (entry.type) {
        case model::FileType::Symlink:
            return ::symlinkat(entry.link_target.c_str(), here(), name.c_str()) == 0;
        case model::FileType::Fifo:
            return ::mknodat(here(), name.c_str(), S_IFIFO | 0600U, 0) == 0;
        case model::FileType::Socket:
            return ::mknodat(here(), name.c_str(), S_IFSOCK | 0600U, 0) == 0;
        case model::FileType::CharacterDevice:
            return ::mknodat(here(),
                             name.c_str(),
                             S_IFCHR | 0600U,
                             makedev(entry.device_major, entry.device_minor)) == 0;
        case model::FileType::BlockDevice:
            return ::mknodat(here(),
                             name.c_str(),
                             S_IFBLK | 0600U,
                             makedev(entry.device_major, entry.device_minor)) == 0;
        default:
            errno = EINVAL;
            return false;
    }
}

void DirectorySink::add(const model::FileEntry& entry) {
    if (skipped_levels_ > 0 ||
        (entry.type != model::FileType::Symlink && !options_.restores_special_files)) {
        return;
    }
    const std::string name = working_name(entry.name);
    if (!make_node(name, entry)) {
        fail(entry.name,
             entry.type == model::FileType::Symlink ? "make the link" : "make the special file",
             errno);
        return;
    }
    restore_named(name, entry);
    if (put_in_place(name, entry.name)) {
        ++result_.files;
    }
}

void DirectorySink::add_link(const model::FileEntry& entry, std::string_view target) {
    if (skipped_levels_ > 0) {
        return;
    }
    if (is_unmade(target)) {
        fail(entry.name, concat("link to ", printable(target)), ENOENT);
        return;
    }
    const FileDescriptor file = open_below(root_.get(), target, O_PATH);
    const std::string name = working_name(entry.name);
    const std::string source = "/proc/self/fd/" + std::to_string(file.get());
    if (!file || ::linkat(AT_FDCWD, source.c_str(), here(), name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
        fail(entry.name, concat("link to ", printable(target)), errno);
        return;
    }
    if (put_in_place(name, entry.name)) {
        ++result_.files;
    }
}

SinkResult DirectorySink::finish() {
    if (::syncfs(root_.get()) != 0) {
        throw system_error(errno, "write the target directory to disk");
    }
    const auto summarize = [this](std::uint64_t count, std::string_view what) {
        if (count > 0) {
            result_.add_problem(concat(what, " of ", count, count == 1 ? " entry" : " entries"),
                                "could not be restored: not permitted or not supported here");
        }
    };
    summarize(owners_denied_, "owner");
    summarize(xattrs_denied_, "extended attributes");
    summarize(times_denied_, "times or mode");
    return result_;
}

}  // namespace backup::volume
