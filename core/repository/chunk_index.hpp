// SPDX-License-Identifier: Apache-2.0
// All index segments of a repository in memory: 32 bytes a chunk. Segments are merged into few
// sorted runs (each at least twice as long as the next), so a lookup touches few cache lines.
#pragma once

#include "core/repository/index_segment.hpp"

#include <map>
#include <vector>

namespace backup::repository {

/// Not thread-safe for add(); lookups may run at the same time.
class ChunkIndex {
  public:
    void add(IndexSegment segment);

    /// Every place the chunk is said to be, at most `kMostPlaces`; in no order.
    std::vector<IndexRecord> find_all(const content::ShortId& id) const;
    /// One of them, nullptr when there is none. Valid until the next add().
    const IndexRecord* find(const content::ShortId& id) const;

    /// By the pack number of a record of this index.
    const IndexedPack& pack(std::uint32_t number) const { return packs_.at(number); }

    const std::vector<IndexedPack>& packs() const { return packs_; }

    std::uint64_t chunk_count() const;

    static constexpr std::size_t kMostPlaces = 16;

  private:
    using Run = std::vector<IndexRecord>;

    std::vector<IndexedPack> packs_;
    std::map<content::Digest, std::uint32_t> pack_numbers_;
    std::vector<Run> runs_;
};

}  // namespace backup::repository
