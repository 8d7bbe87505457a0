// SPDX-License-Identifier: Apache-2.0
#include "core/repository/chunk_index.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace backup::repository {

namespace {

bool is_before(const IndexRecord& record, const content::ShortId& id) {
    return record.id < id;
}

/// The first 8 bytes as a number that sorts as the bytes do.
std::uint64_t sort_key(const content::ShortId& id) {
    std::uint64_t key = 0;
    for (std::size_t i = 0; i < sizeof(key); ++i) {
        key = key << 8U | std::to_integer<std::uint64_t>(id.bytes[i]);
    }
    return key;
}

/// Where the id is or would be. Ids are uniform, so their value nearly tells their place.
std::vector<IndexRecord>::const_iterator lower_bound(const std::vector<IndexRecord>& run,
                                                     const content::ShortId& id) {
    const auto size = run.size();
    const auto share = static_cast<double>(sort_key(id)) / 0x1p64;
    const auto guess = std::min(static_cast<std::size_t>(share * static_cast<double>(size)), size);
    const auto spread = static_cast<std::size_t>(std::sqrt(static_cast<double>(size))) + 8;
    auto first = run.begin();
    auto last = run.end();
    if (guess > spread && is_before(run[guess - spread], id)) {
        first += static_cast<std::ptrdiff_t>(guess - spread);
    }
    if (guess + spread < size && !is_before(run[guess + spread], id)) {
        last = run.begin() + static_cast<std::ptrdiff_t>(guess + spread);
    }
    return std::lower_bound(first, last, id, is_before);
}

std::vector<IndexRecord> merge(const std::vector<IndexRecord>& left,
                               const std::vector<IndexRecord>& right) {
    std::vector<IndexRecord> merged(left.size() + right.size());
    std::merge(left.begin(),
               left.end(),
               right.begin(),
               right.end(),
               merged.begin(),
               [](const IndexRecord& a, const IndexRecord& b) { return a.id < b.id; });
    merged.erase(std::unique(merged.begin(), merged.end()), merged.end());
    return merged;
}

}  // namespace

void ChunkIndex::add(IndexSegment segment) {
    std::vector<std::uint32_t> numbers;
    numbers.reserve(segment.packs.size());
    for (const auto& pack : segment.packs) {
        const auto next = static_cast<std::uint32_t>(packs_.size());
        const auto [place, is_new] = pack_numbers_.try_emplace(pack.name, next);
        if (is_new) {
            packs_.push_back(pack);
        }
        numbers.push_back(place->second);
    }
    for (auto& record : segment.records) {
        record.pack = numbers[record.pack];
    }
    if (segment.records.empty()) {
        return;
    }
    runs_.push_back(std::move(segment.records));
    while (runs_.size() > 1 && runs_[runs_.size() - 2].size() < 2 * runs_.back().size()) {
        auto last = std::move(runs_.back());
        runs_.pop_back();
        runs_.back() = merge(runs_.back(), last);
    }
}

std::vector<IndexRecord> ChunkIndex::find_all(const content::ShortId& id) const {
    std::vector<IndexRecord> found;
    for (const auto& run : runs_) {
        for (auto at = lower_bound(run, id);
             at != run.end() && at->id == id && found.size() < kMostPlaces;
             ++at) {
            found.push_back(*at);
        }
    }
    return found;
}

const IndexRecord* ChunkIndex::find(const content::ShortId& id) const {
    for (const auto& run : runs_) {
        const auto at = lower_bound(run, id);
        if (at != run.end() && at->id == id) {
            return &*at;
        }
    }
    return nullptr;
}

std::uint64_t ChunkIndex::chunk_count() const {
    std::uint64_t count = 0;
    for (const auto& run : runs_) {
        count += run.size();
    }
    return count;
}

}  // namespace backup::repository
