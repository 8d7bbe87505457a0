// SPDX-License-Identifier: Apache-2.0
#include "core/volume/directory_names.hpp"

#include "core/base/error.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <limits>
#include <sys/syscall.h>
#include <unistd.h>

namespace backup::volume {

namespace {

std::string reason(int error_number) {
    return system_error(error_number, "read").message();
}

}  // namespace

// Not readdir(3): it would open the directory once more and allocate a buffer for each.
DirectoryNames::DirectoryNames(int directory,
                               std::string& problem,
                               std::atomic<std::uint64_t>* steps) {
    if (::lseek(directory, 0, SEEK_SET) < 0) {
        problem = reason(errno);
        return;
    }
    alignas(dirent64) std::array<char, 32U << 10U> buffer;
    for (;;) {
        const auto count = ::syscall(SYS_getdents64, directory, buffer.data(), buffer.size());
        if (count < 0) {
            problem = reason(errno);
        }
        if (steps != nullptr) {
            ++*steps;
        }
        if (count <= 0) {
            break;
        }
        for (long at = 0; at < count;) {
            const auto* item = reinterpret_cast<const dirent64*>(buffer.data() + at);
            add(item->d_name);
            at += item->d_reclen;
        }
    }
    sort();
}

void DirectoryNames::add(const char* name) {
    if (std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0) {
        return;
    }
    if (text_.size() >= std::numeric_limits<std::uint32_t>::max()) {
        throw Error(ErrorCode::Io, "a directory has more than 4 GiB of names");
    }
    begins_.push_back(static_cast<std::uint32_t>(text_.size()));
    text_.insert(text_.end(), name, name + std::strlen(name) + 1);
}

void DirectoryNames::sort() {
    const auto compare = [this](std::uint32_t left, std::uint32_t right) {
        return std::strcmp(text_.data() + left, text_.data() + right);
    };
    std::sort(begins_.begin(), begins_.end(), [&](auto left, auto right) {
        return compare(left, right) < 0;
    });
    // A directory that changes while it is listed may give a name twice.
    const auto is_same = [&](auto left, auto right) { return compare(left, right) == 0; };
    begins_.erase(std::unique(begins_.begin(), begins_.end(), is_same), begins_.end());
}

}  // namespace backup::volume
