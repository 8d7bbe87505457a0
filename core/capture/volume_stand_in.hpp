// SPDX-License-Identifier: Apache-2.0
// Makes what is read instead of a volume in use: a claim from a snapshot of it, or a clone.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/progress.hpp"
#include "core/capture/planned_volume.hpp"
#include "core/kube/client.hpp"
#include "core/volume/mover_owner.hpp"

#include <memory>
#include <stop_token>

namespace backup::capture {

/// Outlives what is made with it.
struct StandInContext {
    kube::Client& client;
    const volume::MoverOwner& owner;
    Clock& clock;
    Progress& progress;
    volume::CopyLimits limits = {};
};

/// Returns when the moment of the volume is fixed: the snapshot is cut, or the clone is made.
/// Throws MoverFailed with what the cluster says, Forbidden, Interrupted; what is left then it
/// names.
std::unique_ptr<VolumeStandIn> make_stand_in(const StandInContext& context,
                                             const PlannedVolume& plan,
                                             const std::stop_token& stop);

}  // namespace backup::capture
