// SPDX-License-Identifier: Apache-2.0
// Decoded blocks of index segments, the least recently used ones dropped first. Bounded by bytes;
// any thread.
#pragma once

#include "core/base/synchronized.hpp"
#include "core/repository/index_segment.hpp"

#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

namespace backup::repository {

class IndexBlockCache {
  public:
    using Block = std::shared_ptr<const std::vector<IndexRecord>>;

    explicit IndexBlockCache(std::uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}

    /// nullptr when it is not there. Segments are numbered by the caller.
    Block find(std::uint32_t segment, std::uint32_t block);
    /// The newest block stays whatever the limit says.
    void insert(std::uint32_t segment, std::uint32_t block, Block records);

    std::uint64_t held_bytes() const;

  private:
    struct Item {
        std::uint64_t key = 0;
        Block records;
    };

    struct Items {
        std::list<Item> items;  // most recently used first
        std::unordered_map<std::uint64_t, std::list<Item>::iterator> places;
        std::uint64_t held_bytes = 0;
    };

    std::uint64_t limit_bytes_;
    mutable Synchronized<Items> items_;
};

}  // namespace backup::repository
