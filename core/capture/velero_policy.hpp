// SPDX-License-Identifier: Apache-2.0
// Velero's resource policies (the text of the ConfigMap that `velero backup create
// --resource-policies-configmap` takes) as a policy of ours. docs/policy.md says what becomes of
// each part.
#pragma once

#include "core/capture/policy.hpp"
#include "core/capture/policy_node.hpp"

namespace backup::capture {

/// True for a map with `version` and no `kind`, or one of the members only Velero has.
bool is_velero_policy(const PolicyNode& root);

/// Throws InvalidArgument where Velero refuses it too. Source: velero internal/resourcepolicies
/// (1.11 to 1.19).
Policy read_velero_policy(const PolicyNode& root);

}  // namespace backup::capture
