// SPDX-License-Identifier: Apache-2.0
// How the person calls this program: kubectl starts plugins by their full path, and a package
// manager may have installed it under another name (`kubectl-<other>`).
#pragma once

#include <string>
#include <string_view>

namespace backup::plugin {

/// "/usr/bin/kubectl-backup" -> "kubectl backup"; "kubectl-snap_shot" -> "kubectl snap-shot"; any
/// other name stays as it is.
std::string program_name(std::string_view argv0);

/// `text` with "kubectl backup" replaced by `program`.
std::string for_program(std::string_view text, std::string_view program);

}  // namespace backup::plugin
