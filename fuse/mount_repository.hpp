// SPDX-License-Identifier: Apache-2.0
// From a backend to a mounted tree that is served until it is unmounted.
#pragma once

#include "fuse/options.hpp"

#include <functional>

namespace backup::backend {
class Backend;
}

namespace backup {
class Log;
}

namespace backup::fuse {

/// Calls `on_ready` when the tree can be used. Throws what opening the repository throws, and
/// MountFailed.
void mount_repository(backend::Backend& storage,
                      const Options& options,
                      Log& log,
                      const std::function<void()>& on_ready);

}  // namespace backup::fuse
