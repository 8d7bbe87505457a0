// SPDX-License-Identifier: Apache-2.0
// Decoded frames, the least recently used ones dropped first. Bounded by bytes; any thread.
#pragma once

#include "core/base/bytes.hpp"

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace backup::repository {

class FrameCache {
  public:
    using Frame = std::shared_ptr<const Bytes>;

    explicit FrameCache(std::uint64_t limit_bytes) : shard_limit_(limit_bytes / kShards) {}

    /// nullptr when it is not there.
    Frame find(std::uint32_t pack, std::uint32_t frame);
    /// A frame larger than a shard's share of the limit is not kept.
    void insert(std::uint32_t pack, std::uint32_t frame, Frame bytes);

    std::uint64_t held_bytes() const;

  private:
    static constexpr std::size_t kShards = 8;

    struct Item {
        std::uint64_t key = 0;
        Frame bytes;
    };

    struct Shard {
        mutable std::mutex mutex;
        std::list<Item> items;  // most recently used first
        std::unordered_map<std::uint64_t, std::list<Item>::iterator> places;
        std::uint64_t held_bytes = 0;
    };

    Shard& shard_of(std::uint64_t key);

    std::uint64_t shard_limit_;
    std::array<Shard, kShards> shards_;
};

}  // namespace backup::repository
