// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/healing.hpp"

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/repository/blob_access.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/format.hpp"
#include "core/repository/parity.hpp"

namespace backup::maintenance {

using namespace repository;

namespace {

/// Nothing when it is missing, or cannot be read at all.
Bytes get_what_is_left(backend::Backend& backend, const std::string& name) {
    Bytes left;
    failure_of([&] { left = get_blob(backend, name, format::kLargestPack); });
    return left;
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
        const Parity parity(
            get_blob(backend, name, parity_bytes(format::kLargestPack)), pack, name);
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
    return healing;
}

void check_parity(const Repository& repository, const content::Digest& pack) {
    auto& backend = repository.backend();
    const auto name = parity_name(pack);
    if (!backend.exists(name)) {
        return;
    }
    const Parity parity(get_blob(backend, name, parity_bytes(format::kLargestPack)), pack, name);
    if (!parity.is_whole()) {
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

}  // namespace backup::maintenance
