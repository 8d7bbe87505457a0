// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/healing.hpp"

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/format.hpp"
#include "core/repository/parity.hpp"
#include "core/repository/salvage.hpp"

#include <algorithm>
#include <vector>

namespace backup::maintenance {

using namespace repository;

namespace {

constexpr std::size_t kPacksNamed = 3;

/// Nothing when it is missing, or too large to be what it was.
Bytes get_what_is_left(backend::Backend& backend, const std::string& name) {
    SalvagedBlob left;
    const auto failure =
        failure_of([&] { left = salvage_blob(backend, name, format::kLargestPack); });
    if (failure && failure->code() != ErrorCode::NotFound &&
        failure->code() != ErrorCode::CorruptData) {
        throw Error(*failure);
    }
    return std::move(left.bytes);
}

/// It works with a part of itself.
Parity load_parity(backend::Backend& backend,
                   const content::Digest& pack,
                   const std::string& name) {
    return {salvage_blob(backend, name, parity_bytes(format::kLargestPack)).bytes, pack, name};
}

}  // namespace

Healing heal_pack(const Repository& repository, const content::Digest& pack) {
    auto& backend = repository.backend();
    Healing healing;
    const auto name = parity_name(pack);
    healing.has_parity = backend.exists(name);
    if (!healing.has_parity) {
        return healing;
    }
    healing.parity_damage = failure_of([&] {
        const auto parity = load_parity(backend, pack, name);
        const auto blob = pack_name(pack);
        for (const auto& place : {blob, quarantine_name(blob)}) {
            if (!healing.pack) {
                healing.pack = parity.heal(get_what_is_left(backend, place));
            }
        }
        if (!parity.is_whole()) {
            throw Error(ErrorCode::CorruptData, concat(name, " is damaged"));
        }
    });
    // A storage that gives no answer is no damage: what it keeps may heal the pack later.
    if (healing.parity_damage && healing.parity_damage->code() != ErrorCode::CorruptData &&
        healing.parity_damage->code() != ErrorCode::UnknownFormat) {
        throw Error(*healing.parity_damage);
    }
    return healing;
}

void check_parity(const Repository& repository, const content::Digest& pack) {
    auto& backend = repository.backend();
    const auto name = parity_name(pack);
    if (!backend.exists(name)) {
        return;
    }
    if (!load_parity(backend, pack, name).is_whole()) {
        throw Error(ErrorCode::CorruptData, concat(name, " is damaged"));
    }
}

std::string describe_healing(const Healing& healing) {
    if (!healing.has_parity) {
        return {};
    }
    return healing.pack ? "; its parity can heal it"
                        : "; the damage is more than its parity can heal";
}

std::string describe_lack(std::span<const content::Digest> packs) {
    std::vector<std::string> names;
    for (const auto& pack : packs.first(std::min(packs.size(), kPacksNamed))) {
        names.push_back(parity_name(pack));
    }
    const auto untold = packs.size() - names.size();
    return concat(packs.size(),
                  packs.size() == 1 ? " pack has no parity: " : " packs have no parity: ",
                  join(names, ", "),
                  untold == 0 ? std::string() : concat(" and ", untold, " more"),
                  "; \"kubectl backup repo parity on\" makes what is missing");
}

}  // namespace backup::maintenance
