// SPDX-License-Identifier: Apache-2.0
// The part of the clean-up that is about movers in the applications' own pods: ephemeral containers
// of runs that were killed. They end by themselves within minutes; this ends them now. Their entry
// stays in the pod's specification for as long as the pod: Kubernetes has no way to remove it.
#pragma once

#include "core/volume/copy_leftovers.hpp"
#include "core/volume/leftovers.hpp"

#include <functional>
#include <stop_token>
#include <string>

namespace backup::volume {

/// Ends a container and returns when it has ended.
using EndContainer = std::function<void(
    const std::string& ns, const std::string& pod, const std::string& container)>;

/// The real one: end_mover_container, then waits for a short while.
EndContainer make_end_container(kube::Client& client, std::stop_token stop);

/// Adds what it finds and ends to `result`, as kind "ephemeralcontainer" and name "POD/CONTAINER".
void clean_containers(kube::Client& client,
                      const CleanUpOptions& options,
                      const CopyJudge& judge,
                      const EndContainer& end,
                      CleanUpResult& result);

}  // namespace backup::volume
