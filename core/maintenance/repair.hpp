// SPDX-License-Identifier: Apache-2.0
// Mends a repository as far as anybody can without the source: docs/reliability.md. Additive: what
// is taken out of use goes to quarantine. Interrupted anywhere it can be run again.
#pragma once

#include "core/base/problem.hpp"
#include "core/maintenance/surroundings.hpp"
#include "core/repository/repository.hpp"

#include <string>
#include <vector>

namespace backup::maintenance {

struct RepairOptions {
    /// Only says what would be done.
    bool dry_run = false;
    /// Reads every pack in full; otherwise only those that verify found damaged, and the tables of
    /// all.
    bool read_data = false;
    /// Points whose blob is damaged go to quarantine.
    bool quarantine_points = false;
};

struct RepairAction {
    std::string subject;  // a blob
    std::string what;     // "healed by its parity"
};

struct RepairResult {
    std::vector<RepairAction> actions;
    /// What points lost for good: "point:path". The next backup of the same data brings it back.
    std::vector<Problem> lost;
    std::vector<std::string> damaged_points;  // ids of those that lost something
    std::uint64_t points = 0;
    std::uint64_t packs = 0;
    std::uint64_t packs_healed = 0;
    std::uint64_t packs_quarantined = 0;
    std::uint64_t packs_indexed = 0;
    std::uint64_t segments_quarantined = 0;
    std::uint64_t segments_written = 0;
    std::uint64_t chunks_saved = 0;  // copied out of damaged packs
    std::uint64_t chunks_lost = 0;   // as far as tables could tell
    /// Empty when `lost` could be told; in a dry run it cannot while the index is damaged.
    std::string why_unknown;
};

/// Throws Interrupted, NoSpace, Io..., never for damage; Incomplete when prunes beside it were in
/// the way.
RepairResult repair_repository(const repository::Repository& repository,
                               const RepairOptions& options,
                               const Surroundings& surroundings);

}  // namespace backup::maintenance
