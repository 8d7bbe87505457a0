// SPDX-License-Identifier: Apache-2.0
// A mover beside volumes of one namespace: starts its pod, speaks to it, and takes everything away
// again. What the pod looks like and why: docs/mover-pod.md. Knows nothing of tasks and messages.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/progress.hpp"
#include "core/kube/client.hpp"
#include "core/volume/channel.hpp"
#include "core/volume/mover_claim.hpp"
#include "core/volume/mover_owner.hpp"
#include "core/volume/mover_pod_spec.hpp"
#include "core/volume/mover_program.hpp"

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace backup::volume {

struct PodMoverRequest {
    std::string ns;
    /// PersistentVolumeClaims, all mounted in one pod; they must be reachable from one cluster
    /// node.
    std::vector<std::string> claims;
    VolumeAccess access = VolumeAccess::Read;
    MoverOwner owner;   // one for the whole run: make_mover_owner
    std::string image;  // empty: one that is on the cluster node already
    MoverResources resources;
    /// From the pod's creation until it runs; each image that is tried has as long.
    std::chrono::milliseconds start_limit{180'000};
    std::chrono::seconds longest_life{86'400};  // the cluster ends the pod then, whatever it does
    std::chrono::seconds idle_limit{120};       // it ends itself when nobody uses it for so long
    Progress* progress = nullptr;               // gets notes
    Clock* clock = nullptr;                     // the system's
    std::stop_token stop;                       // of the start, and of every channel
};

/// One thread at a time uses an object of this; its channels each have their own threads.
class PodMover {
  public:
    /// Returns when the pod runs. Throws MoverFailed (why it does not run, from its conditions,
    /// container states and events), Forbidden (RBAC, admission, quota), KubeNotFound (no such
    /// claim), Interrupted. Whatever was made is gone again then.
    PodMover(kube::Client& client, const MoverProgram& program, PodMoverRequest request);
    /// close(), whose problems are only logged.
    ~PodMover();
    PodMover(PodMover&&) noexcept;
    PodMover& operator=(PodMover&&) noexcept;

    /// Starts one more mover process in the pod, with a channel to it: a channel serves one task at
    /// a time. While it lives, keep-alives are sent. It ends (for the mover: its stdin) with the
    /// object. When the stream breaks off, the error says what the mover wrote to its stderr.
    std::unique_ptr<Channel> open_channel();

    /// Where the mover sees the claim: a directory, or a block device.
    std::string path_of(std::string_view claim) const;
    /// For ReadTask::is_block_device.
    bool is_block(std::string_view claim) const;
    const ClaimFacts& facts_of(std::string_view claim) const;

    const std::string& pod_name() const;
    /// What the pod was allowed to be, for the ledger: Root reads everything, the others what that
    /// user may read.
    MoverIdentity identity() const;

    /// Removes the pod, and the ConfigMaps unless another mover uses them. Also after stop was
    /// asked: it has a time limit of its own. Once; throws what went wrong. Close the channels
    /// before.
    void close();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace backup::volume
