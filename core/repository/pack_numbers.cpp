// SPDX-License-Identifier: Apache-2.0
#include "core/repository/pack_numbers.hpp"

#include <algorithm>

namespace backup::repository {

namespace {

// Names are hashes: any of their bytes are uniform.
std::uint32_t hash_of(const content::Digest& name) {
    return load_le<std::uint32_t>(name.data());
}

}  // namespace

std::uint32_t PackNumbers::add(const IndexedPack& pack) {
    grow(packs_.size() + 1);
    auto& place = places_[place_of(pack.name)];
    if (place.number == kFree) {
        place = {hash_of(pack.name), static_cast<std::uint32_t>(packs_.size())};
        packs_.push_back({pack.name,
                          pack.salt,
                          static_cast<std::uint32_t>(pack.size),
                          pack.frame_count,
                          pack.kind});
    }
    return place.number;
}

IndexedPack PackNumbers::at(std::uint32_t number) const {
    const auto& slim = packs_.at(number);
    IndexedPack pack;
    pack.name = slim.name;
    pack.salt = slim.salt;
    pack.size = slim.size;
    pack.frame_count = slim.frame_count;
    pack.frame_table_bytes = slim.frame_count * std::uint32_t{format::kFrameTableEntryBytes} +
                             std::uint32_t{format::kTagBytes};
    pack.frame_table_offset = pack.size - format::kPackTrailerBytes - pack.frame_table_bytes;
    pack.kind = slim.kind;
    return pack;
}

std::size_t PackNumbers::place_of(const content::Digest& name) const {
    const auto hash = hash_of(name);
    const auto is_other = [&](const Place& place) {
        return place.number != kFree && (place.hash != hash || packs_[place.number].name != name);
    };
    const auto mask = places_.size() - 1;
    auto at = hash & mask;
    while (is_other(places_[at])) {
        at = (at + 1) & mask;
    }
    return at;
}

void PackNumbers::grow(std::size_t packs) {
    if (packs * 4 <= places_.size() * 3) {
        return;
    }
    places_.assign(std::max<std::size_t>(places_.size() * 2, 16), {});
    for (std::uint32_t number = 0; number < packs_.size(); ++number) {
        const auto& name = packs_[number].name;
        places_[place_of(name)] = {hash_of(name), number};
    }
}

}  // namespace backup::repository
