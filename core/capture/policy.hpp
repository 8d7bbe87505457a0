// SPDX-License-Identifier: Apache-2.0
// A policy file: everything the flags of `create` say, and the rules that flags cannot. Knows no
// cluster; docs/policy.md has the layout. Velero's resource policies are read by velero_policy.hpp.
#pragma once

#include "core/capture/hook.hpp"
#include "core/capture/object_filter.hpp"
#include "core/capture/scope.hpp"
#include "core/capture/volume_rules.hpp"
#include "core/model/severity.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace backup::capture {

/// A ConfigMap holds at most 1 MiB.
constexpr std::size_t kPolicyLimitBytes = 2U << 20U;

struct Policy {
    ScopeFlags scope;
    std::vector<NamespaceFilter> filters;
    std::vector<VolumeRule> volumes;
    std::vector<HookRule> hooks;
    model::SeverityRules severity;
    std::string notify;                 // a URL
    std::vector<std::string> warnings;  // what it asks for and cannot have
};

/// Reads a policy of ours (`kind: Policy`), Velero's resource policies, or a ConfigMap that holds
/// one of the two. Throws InvalidArgument with the line, the place ("volumes[0].match") and, for a
/// word it does not know, "did you mean".
Policy parse_policy(std::string_view yaml);

/// The same for a ConfigMap as the API server sends it.
Policy parse_config_map_policy(const Json& config_map);

/// What stands on the command line replaces what the policy says; `flags` holds only what was
/// typed (`cluster_resources` and `volumes` empty: not typed). -n and -A replace both.
ScopeFlags override_scope(const ScopeFlags& policy, const ScopeFlags& flags);

}  // namespace backup::capture
