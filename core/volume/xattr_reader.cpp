// SPDX-License-Identifier: Apache-2.0
#include "core/volume/xattr_reader.hpp"

#include "core/base/error.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <string_view>
#include <sys/xattr.h>
#include <unistd.h>

namespace backup::volume {

namespace {

/// The kernel allocates what it is offered, for every file: enough for all but a few.
constexpr std::size_t kUsualList = 512;
/// XATTR_LIST_MAX and XATTR_SIZE_MAX of Linux.
constexpr std::size_t kLongestList = 64U << 10U;
constexpr std::size_t kLongestValue = 64U << 10U;
/// Half of what the repository format takes for one entry.
constexpr std::size_t kMostXattrBytes = 512U << 10U;

// The same numbers on all architectures this is built for; headers of before 2025 lack them.
constexpr long kGetxattrat = 464;
constexpr long kListxattrat = 465;

/// struct xattr_args of linux/xattr.h.
struct XattrArguments {
    alignas(8) std::uint64_t value;
    std::uint32_t size;
    std::uint32_t flags;
};

/// A kernel without the call, or a seccomp profile that does not know it.
bool is_call_missing(int error_number) {
    return error_number == ENOSYS || error_number == EPERM;
}

}  // namespace

const char* XattrReader::path_of(int directory, const char* name) {
    path_ = "/proc/self/fd/" + std::to_string(directory);
    path_ += '/';
    path_ += name;
    return path_.c_str();
}

ssize_t XattrReader::list(int directory, const char* name) {
    if (has_calls_) {
        const auto count = ::syscall(
            kListxattrat, directory, name, AT_SYMLINK_NOFOLLOW, names_.data(), names_.size());
        if (count >= 0 || !is_call_missing(errno)) {
            return count;
        }
        has_calls_ = false;
    }
    return ::llistxattr(path_of(directory, name), names_.data(), names_.size());
}

/// Nothing when the attribute vanished meanwhile or is kept from us (security.*).
std::optional<std::string> XattrReader::find_value(int directory,
                                                   const char* name,
                                                   const char* attribute) {
    const auto get = [&](char* out, std::size_t size) -> ssize_t {
        if (has_calls_) {
            XattrArguments arguments{
                reinterpret_cast<std::uintptr_t>(out), static_cast<std::uint32_t>(size), 0};
            return ::syscall(kGetxattrat,
                             directory,
                             name,
                             AT_SYMLINK_NOFOLLOW,
                             attribute,
                             &arguments,
                             sizeof(arguments));
        }
        return ::lgetxattr(path_of(directory, name), attribute, out, size);
    };
    std::array<char, 512> small{};
    auto count = get(small.data(), small.size());
    if (count >= 0) {
        return std::string(small.data(), static_cast<std::size_t>(count));
    }
    if (errno != ERANGE) {
        return std::nullopt;
    }
    std::string large(kLongestValue, '\0');
    count = get(large.data(), large.size());
    if (count < 0) {
        return std::nullopt;
    }
    large.resize(static_cast<std::size_t>(count));
    return large;
}

std::string XattrReader::read(int directory, const char* name, model::FileEntry& entry) {
    names_.resize(kUsualList);
    auto count = list(directory, name);
    if (count < 0 && errno == ERANGE) {
        names_.resize(kLongestList);
        count = list(directory, name);
    }
    if (count < 0 && errno != ENOTSUP && errno != ENOENT && errno != ENODATA) {
        return system_error(errno, "extended attributes").message();
    }
    std::size_t total = 0;
    std::string_view rest(names_.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    while (!rest.empty()) {
        const std::string attribute(rest.substr(0, rest.find('\0')));
        rest.remove_prefix(std::min(rest.size(), attribute.size() + 1));
        if (attribute.empty()) {
            continue;
        }
        if (auto value = find_value(directory, name, attribute.c_str())) {
            total += attribute.size() + value->size();
            entry.xattrs.push_back({attribute, std::move(*value)});
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

}  // namespace backup::volume
