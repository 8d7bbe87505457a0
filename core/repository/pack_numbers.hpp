// SPDX-License-Identifier: Apache-2.0
// Numbers for packs that stay the same as long as the process: a pack gets the next one when it is
// seen first. About 100 bytes a pack. Not thread-safe.
#pragma once

#include "core/repository/index_segment.hpp"

#include <deque>
#include <vector>

namespace backup::repository {

class PackNumbers {
  public:
    /// The number it has already, or the next one.
    std::uint32_t add(const IndexedPack& pack);
    /// Throws std::out_of_range on a number that was not given out.
    IndexedPack at(std::uint32_t number) const;

    std::size_t size() const { return packs_.size(); }

  private:
    static constexpr std::uint32_t kFree = 0xffffffffU;

    /// What the rest of an IndexedPack follows from (docs/format.md section 5).
    struct Slim {
        content::Digest name{};
        Salt salt{};
        std::uint32_t size = 0;
        std::uint32_t frame_count = 0;
        BlobKind kind = BlobKind::DataPack;
    };

    /// With a part of the name: most other packs are told apart without a look at their names,
    /// which lie far from each other.
    struct Place {
        std::uint32_t hash = 0;
        std::uint32_t number = kFree;
    };

    std::size_t place_of(const content::Digest& name) const;
    void grow(std::size_t packs);

    std::deque<Slim> packs_;     // grows without a copy of itself
    std::vector<Place> places_;  // open addressing; a power of two, at most 3/4 full
};

}  // namespace backup::repository
