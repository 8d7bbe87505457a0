// SPDX-License-Identifier: Apache-2.0
// What a pod's status says about its start. Pure.
#pragma once

#include "core/base/json.hpp"
#include "core/volume/mover.hpp"

#include <string>
#include <vector>

namespace backup::volume {

enum class PodProgress {
    Starting,
    Unschedulable,  // may still change: a volume that is being made, a cluster node that comes up
    Running,
    ContainerFailed,  // with this image; another one may work
    Failed,
};

struct PodState {
    PodProgress progress = PodProgress::Starting;
    std::string text;  // for a person: reason and message as the cluster gives them
};

PodState state_of_pod(const Json& pod);

/// Of a mover that ran: whether and why it does not any more (evicted, killed, its node is gone).
MoverEnd end_of_mover(const Json& pod);

/// The message of the newest warning among Event objects; empty when there is none.
std::string last_warning(const std::vector<Json>& events);

/// When it happened last: RFC 3339 in UTC, which sorts as text.
std::string time_of_event(const Json& event);

}  // namespace backup::volume
