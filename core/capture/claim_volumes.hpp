// SPDX-License-Identifier: Apache-2.0
// Reads the volumes of claims through movers, several at a time. One that fails says so in its
// record, and the others go on.
#pragma once

#include "core/base/progress.hpp"
#include "core/capture/capture_volume.hpp"
#include "core/capture/previous_points.hpp"
#include "core/kube/client.hpp"
#include "core/volume/mover_owner.hpp"
#include "core/volume/mover_program.hpp"

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace backup::capture {

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
    unsigned at_once = 2;
};

struct ClaimVolume {
    model::VolumeRecord record;
    std::optional<CapturedVolume> captured;  // its own record is moved to the one above
};

/// One result for each plan, in their order; those without a method are handed through. Throws what
/// ends the run: stop, a repository that cannot be written.
std::vector<ClaimVolume> capture_claims(const ClaimVolumesContext& context,
                                        const std::vector<model::VolumeRecord>& plans,
                                        const std::stop_token& stop);

}  // namespace backup::capture
