// SPDX-License-Identifier: Apache-2.0
// Which volumes are read, and how; which are not, and why. Before anything is made in the cluster.
#pragma once

#include "core/capture/findings.hpp"
#include "core/capture/planned_volume.hpp"
#include "core/capture/scope.hpp"
#include "core/capture/volume_rights.hpp"
#include "core/capture/volume_survey.hpp"
#include "core/kube/client.hpp"

#include <stop_token>
#include <string>
#include <vector>

namespace backup::capture {

struct VolumePlanContext {
    kube::Client& client;
    const Scope& scope;  // with the policy's rules for volumes
    const Names& namespaces;
    const ObjectsByNamespace& objects;
};

struct VolumePlans {
    std::vector<PlannedVolume> volumes;  // by namespace and name
    std::vector<std::string> warnings;
    std::vector<model::ProblemRecord> problems;
};

/// One plan for each claim and each named volume of a pod: Protected with a method where its data
/// is going to be read, otherwise Skipped or Failed with the reason. Throws what ends everything:
/// no connection, Interrupted.
VolumePlans plan_volumes(const VolumePlanContext& context,
                         const std::vector<StoredClaim>& claims,
                         const std::stop_token& stop);

/// The pure part of it.
VolumePlans plan_volumes(const std::vector<StoredClaim>& claims,
                         const VolumeSurvey& survey,
                         const VolumeRights& rights,
                         const Scope& scope);

}  // namespace backup::capture
