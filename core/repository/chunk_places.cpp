// SPDX-License-Identifier: Apache-2.0
#include "core/repository/chunk_places.hpp"

#include "core/base/bytes.hpp"

#include <algorithm>

namespace backup::repository {

namespace {

// The first eight bytes of an id are uniform, so this is.
std::uint64_t key_of(const content::ShortId& id,
                     std::uint32_t first_frame,
                     std::uint32_t offset,
                     std::uint32_t length) {
    constexpr std::uint64_t kPlaceFactor = 0x9e3779b97f4a7c15U;
    constexpr std::uint64_t kLengthFactor = 0xc2b2ae3d27d4eb4fU;
    const auto place = std::uint64_t{first_frame} << 32U | offset;
    return load_le<std::uint64_t>(id.bytes.data()) + place * kPlaceFactor + length * kLengthFactor;
}

}  // namespace

ChunkPlaces::ChunkPlaces(const std::vector<PackChunk>& chunks) {
    keys_.reserve(chunks.size());
    for (const auto& chunk : chunks) {
        keys_.push_back(key_of(chunk.id.short_id(), chunk.first_frame, chunk.offset, chunk.length));
    }
    std::sort(keys_.begin(), keys_.end());
}

bool ChunkPlaces::contains(const IndexRecord& record) const {
    return std::binary_search(keys_.begin(),
                              keys_.end(),
                              key_of(record.id, record.first_frame, record.offset, record.length));
}

}  // namespace backup::repository
