// SPDX-License-Identifier: Apache-2.0
// Gives back the space of what no point needs, while others write: docs/format.md section 9. Any
// number may run at any time, each may die at any step, and none is ever in the way of a backup.
#pragma once

#include "core/base/problem.hpp"
#include "core/maintenance/surroundings.hpp"
#include "core/repository/session_store.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace backup::maintenance {

struct PruneOptions {
    bool dry_run = false;
    /// With dry_run: ids of points that count as gone.
    std::set<std::string> without_points;
    /// A session that gave no sign for so long is taken for dead. Its run notices, and goes on when
    /// it can.
    std::chrono::nanoseconds session_timeout = std::chrono::hours(2);
    /// How long condemned packs rest; without it an hour where lists may lag, else not at all.
    std::optional<std::chrono::nanoseconds> grace;
    /// Packs of which less is needed (percent of their plain bytes) are copied together; 0: none.
    unsigned repack_below = 70;
    /// And no more than so many of their bytes in one run, those with the least first.
    std::uint64_t most_copied = std::numeric_limits<std::uint64_t>::max();
    /// A repository without a single point is emptied only on request: points that are out of
    /// sight for a moment must not cost the data.
    bool allow_no_points = false;
};

struct PruneResult {
    std::uint64_t points = 0;
    std::uint64_t points_completed = 0;  // of runs that died after they had decided
    std::uint64_t sessions_expired = 0;
    std::uint64_t live_chunks = 0;
    std::uint64_t lost_chunks = 0;  // needed, and nowhere
    std::uint64_t packs = 0;        // there before
    std::uint64_t bytes = 0;
    std::uint64_t packs_condemned = 0;  // in this run; with dry_run: that would be
    std::uint64_t bytes_condemned = 0;
    std::uint64_t packs_repacked = 0;  // of the condemned ones
    std::uint64_t bytes_repacked = 0;  // plain, that were copied (dry_run: would be)
    std::uint64_t packs_removed = 0;   // also those that an earlier run had condemned
    std::uint64_t bytes_removed = 0;
    std::uint64_t packs_rescued = 0;  // condemned, but needed again: that was copied out of them
    std::uint64_t packs_waiting = 0;  // condemned, and left to a later prune
    std::uint64_t bytes_waiting = 0;
    std::uint64_t segments_removed = 0;
    bool is_resting = false;      // some wait only for the grace time
    bool is_space_short = false;  // little or nothing was repacked because the disk is full
    std::vector<repository::SessionRecord> waiting_for;
    std::vector<Problem> problems;
};

/// Throws CorruptData when a point cannot be read in full (it keeps everything then), Incomplete
/// when others change the repository too fast, InvalidArgument when there is no point.
PruneResult prune_repository(const repository::Repository& repository,
                             const PruneOptions& options,
                             const Surroundings& surroundings);

}  // namespace backup::maintenance
