// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/read_order.hpp"

#include <algorithm>
#include <chrono>
#include <tuple>

namespace backup::maintenance {

using repository::IndexedPack;

namespace {

constexpr unsigned kAll = 100;

struct Candidate {
    TimePoint read = TimePoint::min();
    const IndexedPack* pack = nullptr;
};

std::vector<Candidate> order_by_age(std::span<const IndexedPack> packs, const Checks& known) {
    std::vector<Candidate> order;
    order.reserve(packs.size());
    for (const auto& pack : packs) {
        const auto found = known.packs.find(pack.name);
        order.push_back(
            {found == known.packs.end() ? TimePoint::min() : found->second.when, &pack});
    }
    std::sort(order.begin(), order.end(), [](const Candidate& left, const Candidate& right) {
        return std::tie(left.read, left.pack->name) < std::tie(right.read, right.pack->name);
    });
    return order;
}

std::set<content::Digest> find_unsound(std::span<const IndexedPack> packs, const Checks& known) {
    std::set<content::Digest> unsound;
    for (const auto& pack : packs) {
        const auto found = known.packs.find(pack.name);
        if (found != known.packs.end() && !found->second.is_sound) {
            unsound.insert(pack.name);
        }
    }
    return unsound;
}

}  // namespace

std::set<content::Digest> choose_packs_to_read(std::span<const IndexedPack> packs,
                                               const Checks& known,
                                               unsigned percent) {
    std::uint64_t all = 0;
    for (const auto& pack : packs) {
        all += pack.size;
    }
    const auto wanted = percent >= kAll ? all : all / kAll * percent + all % kAll * percent / kAll;
    auto chosen = find_unsound(packs, known);
    std::uint64_t taken = 0;
    for (const auto& candidate : order_by_age(packs, known)) {
        if (taken >= wanted) {
            break;
        }
        taken += candidate.pack->size;
        chosen.insert(candidate.pack->name);
    }
    return chosen;
}

ReadAge measure_read_age(std::span<const IndexedPack> packs, const Checks& known, TimePoint now) {
    ReadAge age;
    for (const auto& pack : packs) {
        age.all_bytes += pack.size;
        const auto found = known.packs.find(pack.name);
        if (found == known.packs.end()) {
            age.never_bytes += pack.size;
            continue;
        }
        const auto when = found->second.when;
        age.oldest = std::min(age.oldest.value_or(when), when);
        for (auto& within : age.within) {
            if (now - when <= std::chrono::hours(24) * within.days) {
                within.bytes += pack.size;
            }
        }
    }
    return age;
}

}  // namespace backup::maintenance
