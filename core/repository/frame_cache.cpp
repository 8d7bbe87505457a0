// SPDX-License-Identifier: Apache-2.0
#include "core/repository/frame_cache.hpp"

namespace backup::repository {

namespace {

std::uint64_t key_of(std::uint32_t pack, std::uint32_t frame) {
    return std::uint64_t{pack} << 32U | frame;
}

}  // namespace

FrameCache::Frame FrameCache::find(std::uint32_t pack, std::uint32_t frame) {
    const auto key = key_of(pack, frame);
    auto& shard = shard_of(key);
    const std::scoped_lock lock(shard.mutex);
    const auto place = shard.places.find(key);
    if (place == shard.places.end()) {
        return nullptr;
    }
    shard.items.splice(shard.items.begin(), shard.items, place->second);
    return place->second->bytes;
}

void FrameCache::insert(std::uint32_t pack, std::uint32_t frame, Frame bytes) {
    if (bytes->size() > shard_limit_) {
        return;
    }
    const auto key = key_of(pack, frame);
    auto& shard = shard_of(key);
    const std::scoped_lock lock(shard.mutex);
    if (shard.places.contains(key)) {
        return;
    }
    shard.held_bytes += bytes->size();
    shard.items.push_front({key, std::move(bytes)});
    shard.places.emplace(key, shard.items.begin());
    while (shard.held_bytes > shard_limit_) {
        const auto& oldest = shard.items.back();
        shard.held_bytes -= oldest.bytes->size();
        shard.places.erase(oldest.key);
        shard.items.pop_back();
    }
}

std::uint64_t FrameCache::held_bytes() const {
    std::uint64_t sum = 0;
    for (const auto& shard : shards_) {
        const std::scoped_lock lock(shard.mutex);
        sum += shard.held_bytes;
    }
    return sum;
}

FrameCache::Shard& FrameCache::shard_of(std::uint64_t key) {
    // Neighbouring frames in different shards: a sequential reader and a random one do not queue.
    constexpr std::uint64_t spread = 0x9e3779b97f4a7c15U;
    return shards_[(key * spread) >> 61U];
}

}  // namespace backup::repository
