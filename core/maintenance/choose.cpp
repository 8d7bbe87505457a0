// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/choose.hpp"

#include <algorithm>
#include <map>

namespace backup::maintenance {

namespace {

/// So many small packs of a kind are worth to be made into one.
constexpr std::size_t kSmallPacks = 16;

enum class Fate { Stays, Dead, Sparse };

Fate judge(const PackUse& use, bool is_anything_lost, unsigned repack_below) {
    if (!use.is_present) {
        return Fate::Stays;
    }
    if (use.is_condemned) {
        return use.kept_bytes > 0 ? Fate::Sparse : Fate::Stays;
    }
    if (!use.is_indexed) {
        const bool is_missed = use.is_listed && !use.is_replaced;
        return is_missed || is_anything_lost ? Fate::Stays : Fate::Dead;
    }
    if (!use.holds_live) {
        return use.is_listed ? Fate::Stays : Fate::Dead;
    }
    if (use.stored_bytes != use.pack.size) {
        return Fate::Stays;
    }
    if (use.kept_bytes == 0) {
        return Fate::Dead;
    }
    return use.kept_bytes * 100 < use.all_bytes * repack_below ? Fate::Sparse : Fate::Stays;
}

void keep_least(std::vector<const PackUse*>& packs, std::uint64_t most_bytes) {
    std::stable_sort(packs.begin(), packs.end(), [](const auto* left, const auto* right) {
        return left->kept_bytes < right->kept_bytes;
    });
    std::uint64_t bytes = 0;
    const auto is_too_much = [&](const PackUse* use) {
        bytes += use->kept_bytes;
        return bytes > most_bytes;
    };
    packs.erase(std::find_if(packs.begin(), packs.end(), is_too_much), packs.end());
}

}  // namespace

Choice choose(const Census& census, std::uint32_t pack_bytes, const PruneOptions& options) {
    Choice choice;
    std::map<repository::BlobKind, std::vector<const PackUse*>> small;
    for (const auto& use : census.packs()) {
        const auto fate = judge(use, census.lost_chunks() > 0, options.repack_below);
        if (fate == Fate::Dead) {
            choice.dead.push_back(use.pack.name);
        } else if (fate == Fate::Sparse) {
            choice.repack.push_back(&use);
        } else if (use.kept_bytes > 0 && use.stored_bytes < pack_bytes / 4) {
            small[use.pack.kind].push_back(&use);
        }
    }
    for (const auto& [kind, packs] : small) {
        if (packs.size() >= kSmallPacks && options.repack_below > 0) {
            choice.repack.insert(choice.repack.end(), packs.begin(), packs.end());
        }
    }
    keep_least(choice.repack, options.most_copied);
    return choice;
}

}  // namespace backup::maintenance
