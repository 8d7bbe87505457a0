// SPDX-License-Identifier: Apache-2.0
// Whether a directory may be mounted on.
#pragma once

#include <filesystem>
#include <string_view>

namespace backup::fuse {

/// The absolute path to mount on. Throws MountPointBusy unless `directory` is an empty directory,
/// and when it lies inside the repository or the repository lies inside it: reading through the
/// mount would then wait for itself (restic issue 5234). `repository` is empty when it is not
/// local.
std::filesystem::path check_mount_point(const std::filesystem::path& directory,
                                        const std::filesystem::path& repository);

}  // namespace backup::fuse
