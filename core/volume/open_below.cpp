// SPDX-License-Identifier: Apache-2.0
#include "core/volume/open_below.hpp"

#include <cerrno>
#include <fcntl.h>

namespace backup::volume {

FileDescriptor open_component(int directory, const std::string& name, int flags, unsigned mode) {
    const int base = flags | O_NOFOLLOW | O_CLOEXEC;
    // O_NOATIME is for the owner and for CAP_FOWNER only.
    const bool may_keep_atime = (flags & (O_PATH | O_CREAT)) == 0;
    for (int extra = may_keep_atime ? O_NOATIME : 0;; extra = 0) {
        FileDescriptor file(::openat(directory, name.c_str(), base | extra, mode));
        if (file || errno != EPERM || extra == 0) {
            return file;
        }
    }
}

FileDescriptor open_below(int root, std::string_view path, int flags, unsigned mode) {
    FileDescriptor current;
    int directory = root;
    if (path.empty()) {
        return open_component(root, ".", flags, mode);
    }
    // Component by component instead of openat2(2): that is missing in old kernels, refused by old
    // seccomp profiles, and limited to PATH_MAX.
    while (!path.empty()) {
        const std::size_t slash = path.find('/');
        const std::string name(path.substr(0, slash));
        if (name.empty() || name == "." || name == "..") {
            errno = EINVAL;
            return {};
        }
        const bool is_last = slash == std::string_view::npos;
        path = is_last ? std::string_view() : path.substr(slash + 1);
        FileDescriptor next = open_component(
            directory, name, is_last ? flags : O_PATH | O_DIRECTORY, is_last ? mode : 0);
        if (!next) {
            return {};
        }
        current = std::move(next);
        directory = current.get();
    }
    return current;
}

FileDescriptor open_directory_below(int root, std::string_view path) {
    return open_below(root, path, O_RDONLY | O_DIRECTORY);
}

}  // namespace backup::volume
