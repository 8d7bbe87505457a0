// SPDX-License-Identifier: Apache-2.0
// Which images a mover pod may start from: any will do, if it is on the cluster node already.
// Nothing of the image is used.
#pragma once

#include "core/base/synchronized.hpp"
#include "core/kube/client.hpp"
#include "core/volume/mover_claim.hpp"

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace backup::volume {

/// Of the cluster nodes, looked at once for all movers of a run. Safe to call from many threads.
class NodeImages {
  public:
    /// The smallest of that node; `node` empty: of all nodes, those first that most of them have.
    /// None where nodes may not be looked at.
    std::vector<std::string> list(kube::Client& client,
                                  const std::string& node,
                                  const std::stop_token& stop);

  private:
    Synchronized<std::map<std::string, std::vector<std::string>>> known_;
};

/// For one mover. Each next one is looked for only when those before did not do: most movers start
/// from the first, and nobody is asked then.
class MoverImages {
  public:
    /// `claims`: those of the mover, in namespace `ns`. `nodes` must live longer.
    MoverImages(kube::Client& client,
                NodeImages& nodes,
                std::string ns,
                const std::vector<ClaimFacts>& claims,
                std::stop_token stop);

    /// The best first, at least one: of the pods that use the claims, the smallest of the cluster
    /// nodes, of other pods in the namespace, pause images of public registries. What may not be
    /// read (nodes, pods) is left out. Empty when there are no more.
    std::optional<std::string> find_next();

  private:
    void look_further();
    void add_node_images();
    void add_pod_images();

    kube::Client& client_;
    NodeImages& nodes_;
    std::string ns_;
    std::string node_;  // empty: any
    std::stop_token stop_;
    std::vector<std::string> images_;
    std::size_t given_ = 0;
    int looks_ = 0;
};

/// The smallest images of cluster nodes, those first that most of them have. `nodes`: Node objects.
std::vector<std::string> smallest_images(const std::vector<Json>& nodes);

}  // namespace backup::volume
