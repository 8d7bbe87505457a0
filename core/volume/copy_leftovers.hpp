// SPDX-License-Identifier: Apache-2.0
// The part of the clean-up that is about copies of volumes: temporary claims and snapshots, and
// what the storage keeps for them when their classes say Retain.
#pragma once

#include "core/volume/leftovers.hpp"

#include <functional>
#include <optional>
#include <string>

namespace backup::volume {

struct CopyVerdict {
    bool is_dead = false;
    std::string reason;
};

struct CopyJudge {
    /// What is known of a run; empty: it was on another machine and shows no sign of life.
    std::function<std::optional<CopyVerdict>(const MoverOwner& owner)> judge_owner;
    Clock& clock;
};

/// Adds what it finds and removes to `result`. Claims and snapshots that may not be listed are a
/// problem; the cluster-wide objects behind them, which only classes with Retain leave, are none.
void clean_copies(kube::Client& client,
                  const CleanUpOptions& options,
                  const CopyJudge& judge,
                  CleanUpResult& result);

}  // namespace backup::volume
