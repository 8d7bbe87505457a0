// SPDX-License-Identifier: Apache-2.0
// Whether a cluster node can start a pod at all: a pod that must run there waits in silence when it
// cannot. Knows nothing of pods.
#pragma once

#include "core/base/json.hpp"
#include "core/kube/client.hpp"
#include "core/volume/mover_claim.hpp"

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace backup::volume {

struct NodeTrouble {
    bool is_gone = false;  // there is no such node; otherwise it may come back
    std::string text;      // "cluster node worker-1 is not ready: Kubelet stopped posting ..."

    bool operator==(const NodeTrouble&) const = default;
};

/// `node` as the API server gives it; null: there is none.
std::optional<NodeTrouble> trouble_of_node(const std::string& name, const Json* node);

/// Nothing also when nodes may not be looked at. Throws what asking throws.
std::optional<NodeTrouble> find_node_trouble(kube::Client& client,
                                             const std::string& name,
                                             const std::stop_token& stop);

/// The one that a mover of these claims needs, or, for a volume that nobody uses, those that its
/// node affinity names (kubernetes.io/hostname); none: any, or it is not known.
std::vector<std::string> find_nodes_of(kube::Client& client,
                                       const std::vector<ClaimFacts>& claims,
                                       const std::stop_token& stop);

/// Why none of the nodes that have the volumes can start a mover.
std::optional<NodeTrouble> find_trouble_of(kube::Client& client,
                                           const std::vector<ClaimFacts>& claims,
                                           const std::stop_token& stop);

}  // namespace backup::volume
