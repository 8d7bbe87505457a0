// SPDX-License-Identifier: Apache-2.0
// The flags that say what to back up: those of `create`, and of `explain --live`, which must mean
// the same by them.
#pragma once

#include "core/capture/policy.hpp"
#include "core/capture/scope.hpp"
#include "plugin/cli/command.hpp"

#include <vector>

namespace backup::plugin {

class Context;

/// Namespaces, objects, volumes, --policy.
std::vector<Flag> scope_flags();

/// What --policy names: a file, or "-" for standard input; an empty policy without the flag. What
/// it asks for in vain is warned about. Throws what reading and parse_policy() throw.
capture::Policy read_policy(Context& context);

/// The policy's scope, with what was typed in its place.
capture::Scope read_scope(Context& context, const capture::Policy& policy);

}  // namespace backup::plugin
