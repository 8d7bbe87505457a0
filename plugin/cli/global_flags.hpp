// SPDX-License-Identifier: Apache-2.0
// The flags every verb takes, with kubectl's own names and letters where kubectl has them
// (k8s.io/cli-runtime pkg/genericclioptions/config_flags.go).
#pragma once

#include "plugin/cli/command.hpp"

#include <initializer_list>
#include <span>

namespace backup::plugin {

/// In help order.
std::span<const Flag> global_flags();

/// `-o` with the formats a verb can print; the first one is the default.
Flag output_flag(std::initializer_list<std::string> formats);

/// `--dry-run`: says what would happen and changes nothing.
Flag dry_run_flag(std::string_view summary = "only print what would be done");

}  // namespace backup::plugin
