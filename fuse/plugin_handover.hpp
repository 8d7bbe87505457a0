// SPDX-License-Identifier: Apache-2.0
// `kubectl backup mount DIR` starts kubectl-backup-mount itself when that is on the PATH, for
// kubectl takes the longest name that fits (k8s.io/kubectl pkg/cmd/plugin.go). But flags, settings
// and keys are the plugin's business: such a call is handed to `kubectl-backup mount`, which comes
// back with all that the daemon needs.
#pragma once

#include <span>
#include <string>

namespace backup::fuse {

/// True unless `words` name repository and key, as the plugin does and a call by hand must.
bool is_for_plugin(std::span<const std::string> words);

/// Replaces this process by the plugin beside it. Throws NotFound when it is not there.
[[noreturn]] void hand_to_plugin(std::span<const std::string> words);

}  // namespace backup::fuse
