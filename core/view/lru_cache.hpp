// SPDX-License-Identifier: Apache-2.0
// A bounded map that drops what was not used for longest. All functions may be called from any
// thread; values are shared, so that one in use outlives its being dropped.
#pragma once

#include "core/base/synchronized.hpp"

#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>

namespace backup::view {

template <typename Value>
class LruCache {
  public:
    using Pointer = std::shared_ptr<const Value>;

    /// `limit` in the unit of the costs that put() is told.
    explicit LruCache(std::uint64_t limit) : limit_(limit) {}

    Pointer find(std::uint64_t key) {
        auto contents = contents_.lock();
        const auto known = contents->by_key.find(key);
        if (known == contents->by_key.end()) {
            return nullptr;
        }
        contents->by_use.splice(contents->by_use.begin(), contents->by_use, known->second);
        return known->second->value;
    }

    void put(std::uint64_t key, Pointer value, std::uint64_t cost) {
        auto contents = contents_.lock();
        if (cost > limit_ || contents->by_key.contains(key)) {
            return;
        }
        contents->by_use.push_front({key, std::move(value), cost});
        contents->by_key.emplace(key, contents->by_use.begin());
        contents->cost += cost;
        while (contents->cost > limit_) {
            const auto& oldest = contents->by_use.back();
            contents->cost -= oldest.cost;
            contents->by_key.erase(oldest.key);
            contents->by_use.pop_back();
        }
    }

  private:
    struct Slot {
        std::uint64_t key;
        Pointer value;
        std::uint64_t cost;
    };

    struct Contents {
        std::list<Slot> by_use;  // the latest first
        std::unordered_map<std::uint64_t, typename std::list<Slot>::iterator> by_key;
        std::uint64_t cost = 0;
    };

    std::uint64_t limit_;
    Synchronized<Contents> contents_;
};

}  // namespace backup::view
