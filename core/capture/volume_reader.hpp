// SPDX-License-Identifier: Apache-2.0
// One volume through a mover that may break: tried again where that helps, by the same mover or
// another one. What was stored by then is not sent again.
#pragma once

#include "core/capture/claim_volumes.hpp"
#include "core/capture/shared_mover.hpp"

namespace backup::capture {

/// Failures that are not about one volume.
bool ends_the_run(ErrorCode code);

/// A pre hook that failed forbids reading the volume.
Error refused_by_hook(const std::string& refusal);

struct VolumeToRead {
    const PlannedVolume& plan;
    std::string claim;     // the one the mover has: the plan's, or that of its stand-in
    bool is_used = false;  // by a running pod
    HookGate::Pass* pass = nullptr;
};

/// Fills in `result`. Throws what ended the last attempt, with the reason of the ledger in
/// `result.record.reason`.
void read_through(const ClaimVolumesContext& context,
                  SharedMover& mover,
                  const VolumeToRead& volume,
                  ClaimVolume& result,
                  const std::stop_token& stop);

}  // namespace backup::capture
