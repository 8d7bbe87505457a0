// SPDX-License-Identifier: Apache-2.0
// The mounts of this process as the kernel tells them (proc(5), /proc/PID/mountinfo).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace backup {

struct MountEntry {
    std::string device;  // "0:52"
    std::string point;   // absolute path
    std::string type;    // "fuse.kubectl-backup"
    std::string source;  // as the file system named itself
    bool operator==(const MountEntry&) const = default;
};

/// Lines that are not of this form are left out.
std::vector<MountEntry> parse_mount_table(std::string_view text);

/// The mounts now.
std::vector<MountEntry> read_mount_table();

/// The uppermost mount on `directory`.
std::optional<MountEntry> find_mount(const std::vector<MountEntry>& table,
                                     const std::filesystem::path& directory);

/// The path the kernel knows `directory` by: symbolic links of its parents are followed, but the
/// directory itself is not touched (a mount whose daemon is dead answers nothing).
std::filesystem::path mount_point_path(const std::filesystem::path& directory);

}  // namespace backup
