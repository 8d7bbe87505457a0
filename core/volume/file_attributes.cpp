// SPDX-License-Identifier: Apache-2.0
#include "core/volume/file_attributes.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace backup::volume {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
/// XATTR_LIST_MAX and XATTR_SIZE_MAX of Linux.
constexpr std::size_t kLongestList = 64U << 10U;
constexpr std::size_t kLongestValue = 64U << 10U;
/// Half of what the repository format takes for one entry.
constexpr std::size_t kMostXattrBytes = 512U << 10U;

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

/// The value; empty when the attribute vanished meanwhile or is kept from us (security.*).
std::optional<std::string> read_value(const std::string& path, const char* name) {
    std::array<char, 512> small{};
    auto count = ::lgetxattr(path.c_str(), name, small.data(), small.size());
    if (count >= 0) {
        return std::string(small.data(), static_cast<std::size_t>(count));
    }
    if (errno != ERANGE) {
        return std::nullopt;
    }
    std::string large(kLongestValue, '\0');
    count = ::lgetxattr(path.c_str(), name, large.data(), large.size());
    if (count < 0) {
        return std::nullopt;
    }
    large.resize(static_cast<std::size_t>(count));
    return large;
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
    // Times in whole seconds (or two, on FAT) come from a coarse clock; the others advance with
    // the kernel's tick of at most 10 ms.
    constexpr std::int64_t kFineGrain = 50'000'000;
    const bool is_coarse =
        status.st_mtim.tv_nsec % 1'000'000 == 0 && status.st_ctim.tv_nsec % 1'000'000 == 0;
    const std::int64_t grain = is_coarse ? 2 * kSecond : kFineGrain;
    const auto now_ns =
        std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
    return std::max(mtime_ns(status), ctime_ns(status)) > now_ns - grain;
}

std::string path_below(int directory, std::string_view name) {
    std::string path = "/proc/self/fd/" + std::to_string(directory);
    if (!name.empty()) {
        path += '/';
        path += name;
    }
    return path;
}

std::string read_xattrs(const std::string& path, model::FileEntry& entry) {
    std::array<char, 1024> small{};
    std::string names;
    auto count = ::llistxattr(path.c_str(), small.data(), small.size());
    if (count > 0) {
        names.assign(small.data(), static_cast<std::size_t>(count));
    } else if (count < 0 && errno == ERANGE) {
        names.resize(kLongestList);
        count = ::llistxattr(path.c_str(), names.data(), names.size());
        names.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    }
    if (count < 0 && errno != ENOTSUP && errno != ENOENT && errno != ENODATA) {
        return system_error(errno, "extended attributes").message();
    }
    std::size_t total = 0;
    for (std::string_view rest = names; !rest.empty();) {
        const std::string name(rest.substr(0, rest.find('\0')));
        rest.remove_prefix(std::min(rest.size(), name.size() + 1));
        if (auto value = read_value(path, name.c_str()); value && !name.empty()) {
            total += name.size() + value->size();
            entry.xattrs.push_back({name, std::move(*value)});
        }
    }
    if (total > kMostXattrBytes) {
        entry.xattrs.clear();
        return "more than 512 KiB of extended attributes";
    }
    std::sort(entry.xattrs.begin(), entry.xattrs.end(), [](const auto& a, const auto& b) {
        return a.name < b.name;
    });
    return {};
}

std::string read_link(int directory, const std::string& name) {
    std::string target(4096, '\0');
    const auto count = ::readlinkat(directory, name.c_str(), target.data(), target.size());
    target.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return target;
}

}  // namespace backup::volume
