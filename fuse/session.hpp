// SPDX-License-Identifier: Apache-2.0
// A mounted tree: the kernel's connection from mounting to unmounting.
#pragma once

#include "fuse/mounted_view.hpp"

#include <chrono>
#include <filesystem>
#include <functional>

namespace backup::fuse {

struct SessionOptions {
    std::filesystem::path mount_point;  // absolute, checked
    bool allow_other = false;
    /// How often to look for points that were made since.
    std::chrono::milliseconds refresh_interval{2'000};
    unsigned threads = 3;
};

/// Mounts, calls `on_ready`, serves until the mount is gone or SIGTERM, SIGINT or SIGHUP came, and
/// leaves no mount behind. Throws MountFailed.
void serve(MountedView& view, const SessionOptions& options, const std::function<void()>& on_ready);

}  // namespace backup::fuse
