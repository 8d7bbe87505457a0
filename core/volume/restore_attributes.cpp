// SPDX-License-Identifier: Apache-2.0
// The order matters: changing the owner clears set-id bits and security.capability, the mode takes
// rights away, everything changes times.
#include "core/volume/restore_attributes.hpp"

#include "core/base/text.hpp"
#include "core/volume/open_below.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace backup::volume {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr unsigned kModeBits = 07777;
constexpr unsigned kSetIdBits = 06000;

timespec to_timespec(std::int64_t nanoseconds) {
    std::int64_t seconds = nanoseconds / kSecond;
    std::int64_t rest = nanoseconds % kSecond;
    if (rest < 0) {
        rest += kSecond;
        --seconds;
    }
    timespec time{};
    time.tv_sec = static_cast<time_t>(seconds);
    time.tv_nsec = static_cast<decltype(time.tv_nsec)>(rest);
    return time;
}

std::array<timespec, 2> times_of(const model::FileEntry& entry) {
    const timespec time = to_timespec(entry.mtime_ns);
    return {time, time};
}

}  // namespace

struct AttributeRestorer::Owner {
    bool is_right = false;
    /// The mode it has, as far as nothing changed it since it was looked at.
    std::optional<unsigned> mode;
};

unsigned creation_mode(const model::FileEntry& entry) {
    const bool is_ours = entry.uid == ::geteuid() && entry.gid == ::getegid();
    return is_ours && entry.xattrs.empty() ? entry.mode & 0777U : 0600U;
}

AttributeRestorer::Owner AttributeRestorer::restore_owner(int file, const model::FileEntry& entry) {
    struct stat status {};

    const bool is_known = ::fstat(file, &status) == 0;
    const auto mode = is_known ? std::optional(status.st_mode & kModeBits) : std::nullopt;
    if (is_known && status.st_uid == entry.uid && status.st_gid == entry.gid) {
        return {true, mode};
    }
    if (!options_.restores_owners) {
        return {false, mode};
    }
    if (::fchownat(file, "", entry.uid, entry.gid, AT_EMPTY_PATH) == 0) {
        return {true, std::nullopt};
    }
    ++owners_denied_;
    // At least the group, when it is one of ours.
    [[maybe_unused]] const int ignored =
        ::fchownat(file, "", static_cast<uid_t>(-1), entry.gid, AT_EMPTY_PATH);
    return {false, std::nullopt};
}

/// `path` names the entry itself; with an open file it is not used.
void AttributeRestorer::restore_xattrs(int file,
                                       const std::string& path,
                                       const model::FileEntry& entry) {
    bool is_denied = false;
    for (const model::Xattr& xattr : entry.xattrs) {
        if (xattr.name == "security.selinux" && !options_.restores_selinux) {
            continue;
        }
        const char* name = xattr.name.c_str();
        const auto& value = xattr.value;
        is_denied |=
            (file >= 0 ? ::fsetxattr(file, name, value.data(), value.size(), 0)
                       : ::lsetxattr(path.c_str(), name, value.data(), value.size(), 0)) != 0;
    }
    xattrs_denied_ += is_denied ? 1 : 0;
}

void AttributeRestorer::restore_open(int file, const model::FileEntry& entry) {
    const Owner owner = restore_owner(file, entry);
    // A set-id file that belongs to us instead of its owner would lend out our rights.
    const unsigned mode = owner.is_right ? entry.mode : entry.mode & ~kSetIdBits;
    // Before the mode: that may take away our own right to write.
    restore_xattrs(file, {}, entry);
    const bool has_mode = entry.xattrs.empty() && owner.mode == mode;
    bool is_denied = !has_mode && ::fchmod(file, mode) != 0;
    is_denied |= ::futimens(file, times_of(entry).data()) != 0;
    times_denied_ += is_denied ? 1 : 0;
}

void AttributeRestorer::restore_named(int directory,
                                      const std::string& name,
                                      const model::FileEntry& entry) {
    const FileDescriptor file = open_component(directory, name, O_PATH);
    if (!file) {
        ++times_denied_;
        return;
    }
    const Owner owner = restore_owner(file.get(), entry);
    bool is_denied = false;
    if (!entry.xattrs.empty()) {
        restore_xattrs(-1, concat("/proc/self/fd/", directory, "/", name), entry);
    }
    if (entry.type != model::FileType::Symlink) {
        const std::string path = "/proc/self/fd/" + std::to_string(file.get());
        const unsigned mode = owner.is_right ? entry.mode : entry.mode & ~kSetIdBits;
        is_denied |= ::chmod(path.c_str(), mode) != 0;
    }
    is_denied |=
        ::utimensat(directory, name.c_str(), times_of(entry).data(), AT_SYMLINK_NOFOLLOW) != 0;
    times_denied_ += is_denied ? 1 : 0;
}

void AttributeRestorer::report(SinkResult& result) const {
    const auto summarize = [&result](std::uint64_t count, std::string_view what) {
        if (count > 0) {
            result.add_problem(concat(what, " of ", count, count == 1 ? " entry" : " entries"),
                               "could not be restored: not permitted or not supported here");
        }
    };
    summarize(owners_denied_, "owner");
    summarize(xattrs_denied_, "extended attributes");
    summarize(times_denied_, "times or mode");
}

}  // namespace backup::volume
