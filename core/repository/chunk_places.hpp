// SPDX-License-Identifier: Apache-2.0
// Where a pack itself says its chunks lie, to compare with what an index says. Keeps eight bytes a
// chunk: a mount has many packs open. Immutable: any thread.
#pragma once

#include "core/repository/index_segment.hpp"
#include "core/repository/pack_layout.hpp"

#include <cstdint>
#include <vector>

namespace backup::repository {

class ChunkPlaces {
  public:
    explicit ChunkPlaces(const std::vector<PackChunk>& chunks);

    /// True when the pack has this chunk at this place (and for one of 2^64 records that are wrong,
    /// times the chunks it has).
    bool contains(const IndexRecord& record) const;

  private:
    std::vector<std::uint64_t> keys_;  // sorted
};

}  // namespace backup::repository
