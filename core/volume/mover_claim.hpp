// SPDX-License-Identifier: Apache-2.0
// What a mover pod must know about a claim and about the pod that uses it, to get to the same
// volume without being in its way.
#pragma once

#include "core/base/json.hpp"
#include "core/kube/client.hpp"

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace backup::volume {

/// A pod that mounts the claim. The documents are the parts of its spec that are copied.
struct ClaimConsumer {
    std::string pod;
    std::string node;
    bool is_running = false;
    Json tolerations;         // array or null
    Json image_pull_secrets;  // array or null
    std::string image;        // of the container that mounts the claim
    std::string volume;       // the pod's name for the claim's volume
    std::optional<std::int64_t>
        run_as_user;  // the container's, else the pod's, else the reported one
    std::optional<std::int64_t> run_as_group;
    std::vector<std::int64_t> supplemental_groups;  // with the pod's fsGroup
    std::string selinux_level;
};

struct ClaimFacts {
    std::string name;
    std::string phase;   // Bound, Pending, Lost
    std::string volume;  // the PersistentVolume
    bool is_block = false;
    bool is_shared = false;                 // several cluster nodes may use it: RWX or ROX
    bool is_exclusive = false;              // one pod only: ReadWriteOncePod
    bool binds_with_pod = false;            // Pending is fine: the mover's pod makes it Bound
    bool is_on_some_nodes = false;          // its volume says which: look_at_volumes
    std::optional<ClaimConsumer> consumer;  // a running one rather than a starting one
    bool is_use_known = true;               // its pods could be listed
};

/// Throws KubeNotFound. Where pods cannot be listed there is no consumer.
ClaimFacts get_claim_facts(kube::Client& client,
                           const std::string& ns,
                           const std::string& claim,
                           std::stop_token stop);

/// What one look at a claim found out, or why nothing.
struct ClaimLook {
    ClaimFacts facts;
    std::optional<Error> failure;
};

/// One for each of several claims of a namespace, in their order; many cost no more questions than
/// a few. Throws what is not about one claim.
std::vector<ClaimLook> look_at_claims(kube::Client& client,
                                      const std::string& ns,
                                      const std::vector<std::string>& claims,
                                      const std::stop_token& stop);

/// The same; throws the first failure.
std::vector<ClaimFacts> list_claim_facts(kube::Client& client,
                                         const std::string& ns,
                                         const std::vector<std::string>& claims,
                                         std::stop_token stop);

/// Fills in is_on_some_nodes where nobody uses the claim: a question for each, so only those whose
/// mover is about to start are asked about.
void look_at_volumes(kube::Client& client,
                     std::vector<ClaimFacts>& claims,
                     const std::stop_token& stop);

/// What of a pod counts for a claim; empty when the pod does not mount it or has ended.
std::optional<ClaimConsumer> find_consumer(const Json& pod, std::string_view claim);

}  // namespace backup::volume
