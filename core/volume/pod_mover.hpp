// SPDX-License-Identifier: Apache-2.0
// A mover beside volumes of one namespace: starts its pod, speaks to it, and takes everything away
// again. What the pod looks like and why: docs/mover-pod.md. Knows nothing of tasks and messages.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/progress.hpp"
#include "core/kube/client.hpp"
#include "core/volume/mover.hpp"
#include "core/volume/mover_claim.hpp"
#include "core/volume/mover_owner.hpp"
#include "core/volume/mover_pod_spec.hpp"
#include "core/volume/mover_program.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace backup::volume {

class NodeImages;

struct PodMoverRequest {
    std::string ns;
    /// PersistentVolumeClaims, all mounted in one pod; they must be reachable from one cluster
    /// node.
    std::vector<std::string> claims;
    /// Of the claims, when they are known (list_claim_facts); empty: they are looked up.
    std::vector<ClaimFacts> facts;
    VolumeAccess access = VolumeAccess::Read;
    MoverOwner owner;                   // one for the whole run: make_mover_owner
    std::string image;                  // empty: one that is on the cluster node already
    NodeImages* node_images = nullptr;  // of the run; none: its own
    MoverResources resources;
    /// From the pod's creation until it runs; each image that is tried has as long.
    std::chrono::milliseconds start_limit{180'000};
    std::chrono::seconds longest_life{86'400};  // the cluster ends the pod then, whatever it does
    std::chrono::seconds idle_limit{120};       // it ends itself when nobody uses it for so long
    Progress* progress = nullptr;               // gets notes
    Clock* clock = nullptr;                     // the system's
    /// Gets what could not be removed after a start that failed.
    std::function<void(const Error&)> on_leftover = {};
    std::stop_token stop;  // of the start, and of every channel
};

/// One thread at a time uses an object of this; its channels each have their own threads.
class PodMover : public Mover {
  public:
    /// Returns when the pod runs. Throws MoverFailed (why it does not run, from its conditions,
    /// container states and events; retryable when somebody has ended it), Forbidden (RBAC,
    /// admission, quota), KubeNotFound (no such claim), Interrupted. Whatever was made is gone
    /// again then, or on_leftover was called.
    PodMover(kube::Client& client, const MoverProgram& program, PodMoverRequest request);
    /// close(), whose problems are only logged.
    ~PodMover() override;
    PodMover(PodMover&&) noexcept;
    PodMover& operator=(PodMover&&) noexcept;

    /// Starts one more mover process in the pod. While the channel lives, keep-alives are sent.
    std::unique_ptr<Channel> open_channel() override;
    std::string path_of(std::string_view claim) const override;
    bool is_block(std::string_view claim) const override;
    const ClaimFacts& facts_of(std::string_view claim) const;
    const std::string& pod_name() const;
    MoverEnd find_end() override;
    MoverIdentity identity() const override;

    /// Removes the pod, and the ConfigMaps unless another mover uses them.
    void close() override;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace backup::volume
