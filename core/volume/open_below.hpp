// SPDX-License-Identifier: Apache-2.0
// Opens files below a directory and never anything outside it, whoever changes the tree meanwhile.
#pragma once

#include "core/base/file_descriptor.hpp"

#include <string>
#include <string_view>

namespace backup::volume {

/// openat(2) of one component with O_NOFOLLOW and O_CLOEXEC, and with O_NOATIME where the kernel
/// allows it; the descriptor is empty and errno set when it fails.
FileDescriptor open_component(int directory, const std::string& name, int flags, unsigned mode = 0);

/// The same for a path of several components ("a/b/c"; empty: the directory itself). No component
/// may be a symbolic link, "." or "..".
FileDescriptor open_below(int root, std::string_view path, int flags, unsigned mode = 0);

/// Opens a directory for reading; the descriptor is empty and errno set when it fails.
FileDescriptor open_directory_below(int root, std::string_view path);

}  // namespace backup::volume
