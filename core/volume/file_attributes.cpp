// SPDX-License-Identifier: Apache-2.0
#include "core/volume/file_attributes.hpp"

#include <algorithm>
#include <chrono>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace backup::volume {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t to_ns(const timespec& time) {
    return static_cast<std::int64_t>(time.tv_sec) * kSecond + time.tv_nsec;
}

model::FileType type_of(mode_t mode) {
    switch (mode & S_IFMT) {
        case S_IFDIR:
            return model::FileType::Directory;
        case S_IFLNK:
            return model::FileType::Symlink;
        case S_IFIFO:
            return model::FileType::Fifo;
        case S_IFSOCK:
            return model::FileType::Socket;
        case S_IFCHR:
            return model::FileType::CharacterDevice;
        case S_IFBLK:
            return model::FileType::BlockDevice;
        default:
            return model::FileType::Regular;
    }
}

}  // namespace

std::int64_t mtime_ns(const struct stat& status) {
    return to_ns(status.st_mtim);
}

std::int64_t ctime_ns(const struct stat& status) {
    return to_ns(status.st_ctim);
}

model::FileEntry entry_from_stat(std::string_view name, const struct stat& status) {
    model::FileEntry entry;
    entry.name = name;
    entry.type = type_of(status.st_mode);
    entry.mode = status.st_mode & 07777U;
    entry.uid = status.st_uid;
    entry.gid = status.st_gid;
    entry.link_count = static_cast<std::uint32_t>(status.st_nlink);
    entry.mtime_ns = mtime_ns(status);
    entry.ctime_ns = ctime_ns(status);
    entry.inode = status.st_ino;
    if (entry.type == model::FileType::Regular || entry.type == model::FileType::Symlink) {
        entry.size = static_cast<std::uint64_t>(std::max<off_t>(status.st_size, 0));
    }
    if (entry.type == model::FileType::CharacterDevice ||
        entry.type == model::FileType::BlockDevice) {
        entry.device_major = major(status.st_rdev);
        entry.device_minor = minor(status.st_rdev);
    }
    entry.has_link_group = entry.type != model::FileType::Directory && entry.link_count > 1;
    return entry;
}

bool is_racy(const struct stat& status, TimePoint now) {
    // Whole seconds (two, on FAT, which tells hundredths of the time when a file was made) come
    // from a coarse clock; the others advance with the kernel's tick of at most 10 ms. Times of a
    // fine clock are round to the millisecond once in a million: that alone says nothing.
    constexpr std::int64_t kFineGrain = 50'000'000;
    constexpr long kFatMadeGrain = 10'000'000;
    const bool is_coarse =
        status.st_mtim.tv_nsec == 0 && status.st_ctim.tv_nsec % kFatMadeGrain == 0;
    const std::int64_t grain = is_coarse ? 2 * kSecond : kFineGrain;
    const auto now_ns =
        std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
    return std::max(mtime_ns(status), ctime_ns(status)) > now_ns - grain;
}

std::string read_link(int directory, const std::string& name) {
    std::string target(4096, '\0');
    const auto count = ::readlinkat(directory, name.c_str(), target.data(), target.size());
    target.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return target;
}

}  // namespace backup::volume
