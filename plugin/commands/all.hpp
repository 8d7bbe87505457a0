// SPDX-License-Identifier: Apache-2.0
// The one list of verbs, in help order. A verb is in it when it works.
#pragma once

#include "plugin/cli/command.hpp"

#include <span>

namespace backup::plugin {

std::span<const Command> all_commands();

}  // namespace backup::plugin
