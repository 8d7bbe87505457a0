// SPDX-License-Identifier: Apache-2.0
// What a pack says of itself: for packs that no index names (any more). Any thread.
#pragma once

#include "core/repository/index_segment.hpp"
#include "core/repository/pack_layout.hpp"

#include <cstdint>
#include <vector>

namespace backup::repository {

/// What the index would say of a pack, from its own last parts and without the index.
struct PackTables {
    IndexedPack pack;
    std::vector<PackChunk> chunks;
};

/// Throws CorruptData when they are damaged, or the blob of `size` bytes is no pack.
PackTables read_pack_tables(const Repository& repository,
                            const content::Digest& name,
                            std::uint64_t size);

}  // namespace backup::repository
