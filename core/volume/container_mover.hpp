// SPDX-License-Identifier: Apache-2.0
// A mover inside the application's own pod, for volumes that no second pod can have: an emptyDir,
// a claim that is ReadWriteOncePod. docs/mover-pod.md says what such a container needs.
#pragma once

#include "core/base/progress.hpp"
#include "core/kube/client.hpp"
#include "core/volume/mover.hpp"
#include "core/volume/mover_program.hpp"

#include <memory>
#include <stop_token>
#include <string>

namespace backup::volume {

struct ContainerMoverRequest {
    std::string ns;
    std::string pod;
    std::string volume;  // the pod's name for it
    std::string image;   // of an ephemeral container; empty: that of the container with the volume
    Progress* progress = nullptr;  // gets notes
    std::stop_token stop;          // of the start, and of every channel
};

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
    MoverEnd find_end() override;
    MoverIdentity identity() const override;
    void close() override;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace backup::volume
