// SPDX-License-Identifier: Apache-2.0
// Which claims are read, and how; which are not, and why. Before anything is made in the cluster.
#pragma once

#include "core/capture/findings.hpp"
#include "core/capture/scope.hpp"
#include "core/kube/client.hpp"

#include <stop_token>
#include <vector>

namespace backup::capture {

/// One record for each claim, by namespace and name: Protected with a method where its data is
/// going to be read, otherwise Skipped or Failed with the reason. Pure.
std::vector<model::VolumeRecord> plan_volumes(const std::vector<Claim>& claims, const Scope& scope);

/// Asks the API server whether the movers may be made in the namespaces of planned volumes; where
/// they may not, the volumes become Failed and say which rights are missing.
void check_volume_rights(kube::Client& client,
                         std::vector<model::VolumeRecord>& volumes,
                         std::stop_token stop);

}  // namespace backup::capture
