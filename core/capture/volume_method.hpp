// SPDX-License-Identifier: Apache-2.0
// How one volume is read, and why so: a pure function of what is known about it. Nothing here asks
// a cluster; volume_survey.hpp gathers the facts. docs/volumes.md has the table.
#pragma once

#include "core/capture/scope.hpp"
#include "core/capture/volume_rules.hpp"
#include "core/model/ledger.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace backup::capture {

enum class VolumeMethod {
    None,
    Live,      // a mover mounts the claim itself
    Snapshot,  // a mover mounts a claim made from a VolumeSnapshot
    Clone,     // a mover mounts a CSI clone of the claim
};

/// "live", "snapshot", "clone": VolumeRecord::method. None is empty.
std::string_view to_text(VolumeMethod method);

/// A pod that has the volume and has not ended.
struct VolumeUse {
    std::string pod;
    std::string node;
    bool is_running = false;
    bool is_terminating = false;

    bool operator==(const VolumeUse&) const = default;
};

struct VolumeSituation {
    VolumeFacts facts;
    std::string volume;                // the PersistentVolume
    bool is_volume_known = false;      // it could be looked at
    bool has_node_affinity = false;    // the scheduler knows which cluster nodes reach it
    std::optional<std::size_t> nodes;  // of the cluster; unknown without the right
    std::vector<VolumeUse> uses;       // the one that decides the node first
    bool is_use_known = true;          // pods could be listed

    std::string snapshot_class;
    std::string snapshot_rule;                 // why this class
    std::string snapshot_problem;              // why none
    std::vector<std::string> snapshot_denied;  // rights that a snapshot needs and that are missing
    std::vector<std::string> clone_denied;
};

/// The first use that is running and stays, otherwise one that is on a node, otherwise any.
void sort_uses(std::vector<VolumeUse>& uses);

struct MethodChoice {
    VolumeMethod method = VolumeMethod::None;
    /// When a copy fails, the volume itself is read and the ledger warns.
    bool may_fall_back = false;
    /// With None: Skipped or Failed, and why.
    model::Outcome outcome = model::Outcome::Protected;
    model::SkipReason reason = model::SkipReason::None;
    std::string message;
    std::string rule;  // what decided, for the plan and the ledger
    /// The cluster node where the data is, when the scheduler cannot know; empty otherwise.
    std::string node;
    std::vector<std::string> warnings;
};

/// `choice` is what the policy and the marks say (choose_volume). Skips of marks and of the policy
/// hold whatever the mode; otherwise a mode that is not Auto goes before them.
MethodChoice choose_method(const VolumeSituation& situation,
                           VolumeMode mode,
                           const VolumeChoice& choice);

}  // namespace backup::capture
