// SPDX-License-Identifier: Apache-2.0
// Which packs are to go: a pure function of a census.
#pragma once

#include "core/maintenance/census.hpp"
#include "core/maintenance/prune.hpp"

#include <vector>

namespace backup::maintenance {

struct Choice {
    std::vector<content::Digest> dead;  // nothing in them is needed, or all of it is elsewhere
    /// What is needed is to be copied first; of the census. Some are condemned already.
    std::vector<const PackUse*> repack;
};

/// A condemned pack never comes back: what is needed in it is copied, however much it is.
/// Never dead: packs that a point lists although nothing in them seems
/// to be needed (one of the two is wrong); packs in no index while a needed chunk is nowhere.
Choice choose(const Census& census, std::uint32_t pack_bytes, const PruneOptions& options);

}  // namespace backup::maintenance
