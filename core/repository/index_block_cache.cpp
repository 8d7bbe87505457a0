// SPDX-License-Identifier: Apache-2.0
#include "core/repository/index_block_cache.hpp"

#include <utility>

namespace backup::repository {

namespace {

std::uint64_t key_of(std::uint32_t segment, std::uint32_t block) {
    return std::uint64_t{segment} << 32U | block;
}

std::uint64_t size_of(const IndexBlockCache::Block& records) {
    return records->size() * sizeof(IndexRecord);
}

}  // namespace

IndexBlockCache::Block IndexBlockCache::find(std::uint32_t segment, std::uint32_t block) {
    auto all = items_.lock();
    const auto place = all->places.find(key_of(segment, block));
    if (place == all->places.end()) {
        return nullptr;
    }
    all->items.splice(all->items.begin(), all->items, place->second);
    return place->second->records;
}

void IndexBlockCache::insert(std::uint32_t segment, std::uint32_t block, Block records) {
    const auto key = key_of(segment, block);
    auto all = items_.lock();
    if (all->places.contains(key)) {
        return;
    }
    all->held_bytes += size_of(records);
    all->items.push_front({key, std::move(records)});
    all->places.emplace(key, all->items.begin());
    while (all->held_bytes > limit_bytes_ && all->items.size() > 1) {
        const auto& oldest = all->items.back();
        all->held_bytes -= size_of(oldest.records);
        all->places.erase(oldest.key);
        all->items.pop_back();
    }
}

std::uint64_t IndexBlockCache::held_bytes() const {
    return items_.lock()->held_bytes;
}

}  // namespace backup::repository
