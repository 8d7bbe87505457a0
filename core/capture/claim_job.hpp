// SPDX-License-Identifier: Apache-2.0
// One volume on its way from the plan to its result. Plain data; one thread at a time has it.
#pragma once

#include "core/capture/claim_volumes.hpp"
#include "core/capture/shared_mover.hpp"

#include <memory>
#include <optional>

namespace backup::capture {

struct ClaimJob {
    const PlannedVolume* plan = nullptr;
    ClaimVolume* result = nullptr;
    std::optional<volume::ClaimFacts> facts;  // of a claim that is read itself
    std::shared_ptr<SharedMover> mover;       // empty: one of its own
    std::optional<Error> failure;             // known before anything was started
    std::shared_ptr<HookGate::Pass> pass;     // empty: no hooks
    /// What came of its cut, when that was a step of its own.
    std::unique_ptr<VolumeStandIn> copy;
    std::optional<Error> cut_failure;
    bool has_no_mover = false;  // its mover, or the last one, could not be started
};

/// Made beside the volume and read instead of it.
inline bool is_copied(const ClaimJob& job) {
    const auto& method = job.plan->record.method;
    return method == "snapshot" || method == "clone";
}

/// No second pod may mount it: it is read in the one that has it already.
inline bool is_held(const volume::ClaimFacts& facts) {
    return facts.is_exclusive && facts.consumer && facts.consumer->is_running;
}

/// Rather than in a pod of our own.
inline bool is_read_inside_pod(const ClaimJob& job) {
    return !job.plan->pod.empty() || (job.facts && is_held(*job.facts));
}

}  // namespace backup::capture
