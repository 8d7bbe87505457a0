// SPDX-License-Identifier: Apache-2.0
// Reads the volumes of claims through movers, several at a time. One that fails says so in its
// record, and the others go on.
#pragma once

#include "core/base/progress.hpp"
#include "core/capture/capture_volume.hpp"
#include "core/capture/planned_volume.hpp"
#include "core/capture/previous_points.hpp"
#include "core/capture/run_hooks.hpp"
#include "core/kube/client.hpp"
#include "core/volume/mover.hpp"
#include "core/volume/mover_claim.hpp"
#include "core/volume/mover_image.hpp"
#include "core/volume/mover_owner.hpp"
#include "core/volume/mover_program.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace backup::capture {

/// What a mover is started for.
struct MoverOrder {
    std::string ns;
    std::vector<volume::ClaimFacts> claims;
    /// Not empty: no pod of its own, but a container of this one, which has the volume under the
    /// name `pod_volume`. Then there is at most one claim.
    std::string pod;
    std::string pod_volume;
    /// Gets what could not be removed after a start that failed.
    std::function<void(const Error&)> on_leftover = {};
};

struct ClaimVolumesContext {
    kube::Client& client;
    const volume::MoverProgram& program;
    volume::MoverOwner owner;
    const repository::Repository& repository;
    repository::Writer& writer;
    Clock& clock;
    PreviousPoints& previous;
    Progress& progress;
    std::string mover_image;
    int compression_level = 1;
    unsigned at_once = 4;
    std::uint64_t read_limit = 0;  // bytes a second from all volumes together; 0: none
    /// For methods "snapshot" and "clone": what is read instead of the claim. Empty: made in the
    /// cluster.
    std::function<std::unique_ptr<VolumeStandIn>(const PlannedVolume&, const std::stop_token&)>
        make_stand_in = {};
    /// Empty: real ones, in the cluster.
    std::function<std::unique_ptr<volume::Mover>(const MoverOrder&, const std::stop_token&)>
        start_mover = {};
    /// Between attempts; another one is for tests.
    std::function<bool(std::chrono::nanoseconds, const std::stop_token&)> sleep = sleep_for;
    StallOptions stall = {};                    // when a volume that does not answer fails
    HookGate* hooks = nullptr;                  // none: no hooks
    ReadRate* read_rate = nullptr;              // capture_claims makes it from read_limit
    volume::NodeImages* node_images = nullptr;  // capture_claims makes it
};

struct ClaimVolume {
    model::VolumeRecord record;
    std::optional<CapturedVolume> captured;  // its own record is moved to the one above
    std::vector<std::string> warnings = {};
};

/// One result for each plan, in their order; those without a method are handed through. Throws what
/// ends the run: stop, a repository that cannot be written.
std::vector<ClaimVolume> capture_claims(const ClaimVolumesContext& context,
                                        const std::vector<PlannedVolume>& plans,
                                        const std::stop_token& stop);

/// The same with nothing but the records.
std::vector<ClaimVolume> capture_claims(const ClaimVolumesContext& context,
                                        const std::vector<model::VolumeRecord>& plans,
                                        const std::stop_token& stop);

}  // namespace backup::capture
