// SPDX-License-Identifier: Apache-2.0
// Which images a mover pod may start from: any will do, if it is on the cluster node already.
// Nothing of the image is used.
#pragma once

#include "core/kube/client.hpp"
#include "core/volume/mover_claim.hpp"

#include <stop_token>
#include <string>
#include <vector>

namespace backup::volume {

/// The best first, at least one: of the pods that use the claims, the smallest of the cluster
/// nodes, of other pods in the namespace, pause images of public registries. What may not be read
/// (nodes, pods) is left out.
std::vector<std::string> list_mover_images(kube::Client& client,
                                           const std::string& ns,
                                           const std::vector<ClaimFacts>& claims,
                                           std::stop_token stop);

/// The smallest images of cluster nodes, those first that most of them have. `nodes`: Node objects.
std::vector<std::string> smallest_images(const std::vector<Json>& nodes);

}  // namespace backup::volume
