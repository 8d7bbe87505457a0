// SPDX-License-Identifier: Apache-2.0
// A mover inside the application's own pod, for volumes that no second pod can have: an emptyDir,
// a claim that is ReadWriteOncePod. docs/mover-pod.md says what such a container needs.
#pragma once

#include "core/base/progress.hpp"
#include "core/kube/client.hpp"
#include "core/volume/mover.hpp"
#include "core/volume/mover_owner.hpp"
#include "core/volume/mover_program.hpp"

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace backup::volume {

struct ContainerMoverRequest {
    std::string ns;
    std::string pod;
    std::string volume;  // the pod's name for it
    std::string image;   // of an ephemeral container; empty: that of the container with the volume
    MoverOwner owner = {};         // written on an ephemeral container, for `cleanup`
    Progress* progress = nullptr;  // gets notes
    std::stop_token stop;          // of the start, and of every channel
    /// Gets what could not be ended after a start that failed.
    std::function<void(const Error&)> on_leftover = {};
};

/// An ephemeral container that was added to a pod cannot be removed, only be told to end. Does
/// nothing when it is not there or has ended. Throws what exec throws.
void end_mover_container(kube::Client& client,
                         const std::string& ns,
                         const std::string& pod,
                         const std::string& container);

/// First a container that has the volume, which leaves no trace; when nothing can be started in it,
/// an ephemeral container, whose entry stays in the pod for as long as the pod.
class ContainerMover : public Mover {
  public:
    /// Throws KubeNotFound (no such pod), MoverFailed (no such volume, nothing can be started),
    /// Forbidden, Interrupted.
    ContainerMover(kube::Client& client,
                   const MoverProgram& program,
                   ContainerMoverRequest request);
    ~ContainerMover() override;

    std::unique_ptr<Channel> open_channel() override;
    std::string path_of(std::string_view volume) const override;
    bool is_block(std::string_view volume) const override;

    bool owns_mounts_below() const override { return false; }

    std::vector<std::string> other_volumes() const override;
    MoverEnd find_end() override;
    MoverIdentity identity() const override;
    void close() override;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace backup::volume
