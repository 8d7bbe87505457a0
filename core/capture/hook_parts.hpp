// SPDX-License-Identifier: Apache-2.0
// The JSON of one hook, the same in our annotations and in a policy. Private to hook.cpp and
// hook_rules.cpp.
#pragma once

#include "core/capture/hook.hpp"

namespace backup::capture {

/// {container, command, timeout, onError}, or a list of such: at most 16. `command` is a list of
/// words, or a text that /bin/sh -c gets. `container` is taken where none is given. All that throw
/// throw InvalidArgument.
std::vector<HookSpec> parse_hook_specs(const Json& json, const std::string& container);

/// "30s", "2m", "45" (seconds); above zero and at most kLongestHookTimeout.
std::chrono::milliseconds parse_hook_timeout(std::string_view text);

/// Throws, with "did you mean", unless this is an object with no other members.
void expect_members(const Json& json, const std::vector<std::string>& names);

}  // namespace backup::capture
