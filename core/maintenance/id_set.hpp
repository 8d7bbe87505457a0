// SPDX-License-Identifier: Apache-2.0
// A large set of short ids in little memory: 16 bytes each, a quarter more while it grows.
#pragma once

#include "core/content/chunk_id.hpp"

#include <algorithm>
#include <span>
#include <vector>

namespace backup::maintenance {

class IdSet {
  public:
    void add(const content::ShortId& id) {
        fresh_.push_back(id);
        if (fresh_.size() >= std::max(kLeastFresh, sorted_.size() / 4)) {
            settle();
        }
    }

    /// Sorted, each once. Valid until the next add().
    std::span<const content::ShortId> ids() {
        settle();
        return sorted_;
    }

  private:
    static constexpr std::size_t kLeastFresh = std::size_t{1} << 16U;

    void settle() {
        if (fresh_.empty()) {
            return;
        }
        std::sort(fresh_.begin(), fresh_.end());
        fresh_.erase(std::unique(fresh_.begin(), fresh_.end()), fresh_.end());
        const auto before = static_cast<std::ptrdiff_t>(sorted_.size());
        sorted_.insert(sorted_.end(), fresh_.begin(), fresh_.end());
        fresh_.clear();
        std::inplace_merge(sorted_.begin(), sorted_.begin() + before, sorted_.end());
        sorted_.erase(std::unique(sorted_.begin(), sorted_.end()), sorted_.end());
    }

    std::vector<content::ShortId> sorted_;
    std::vector<content::ShortId> fresh_;
};

}  // namespace backup::maintenance
