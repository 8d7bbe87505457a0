// SPDX-License-Identifier: Apache-2.0
// Whether a directory may be mounted on.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace backup::fuse {

/// The absolute path to mount on. Throws MountPointBusy unless `directory` is an empty directory,
/// and when it lies inside the repository or the repository lies inside it: reading through the
/// mount would then wait for itself (restic issue 5234). `repository` is empty when it is not
/// local.
std::filesystem::path check_mount_point(const std::filesystem::path& directory,
                                        const std::filesystem::path& repository);

/// "major:minor" of what is mounted at this absolute path, from /proc/self/mountinfo (proc(5)):
/// asking the path itself would need the daemon's own answer, and keep the mount busy for a moment.
std::optional<std::string> find_mounted_device(const std::filesystem::path& mount_point);

}  // namespace backup::fuse
