// SPDX-License-Identifier: Apache-2.0
// Takes packs out of the index and then away. Every step may be the last one: what is left is
// valid, and the next sweep goes on.
#pragma once

#include "core/maintenance/census.hpp"
#include "core/maintenance/surroundings.hpp"

#include <set>
#include <string>
#include <vector>

namespace backup::maintenance {

struct SweepResult {
    std::uint64_t packs = 0;
    std::uint64_t bytes = 0;
    std::uint64_t segments_removed = 0;
    std::uint64_t segments_written = 0;
};

/// What of `condemned` (sorted) may go now: not what is the last place of a live chunk, which has
/// to be copied first, and not what a point lists although no chunk in it is needed as far as
/// anybody can see. What was removable once is so for ever, because nothing relies on a condemned
/// pack again: so it does no harm when a sweep sleeps between its decision and its deed.
std::set<content::Digest> choose_removable(const Census& census,
                                           const std::vector<content::Digest>& condemned);

/// Removes these packs and every superfluous or dead part of the index. `census` must be what they
/// were chosen by.
SweepResult sweep(const repository::Repository& repository,
                  const Census& census,
                  const std::set<content::Digest>& packs,
                  const Surroundings& surroundings);

}  // namespace backup::maintenance
