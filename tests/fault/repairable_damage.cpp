// SPDX-License-Identifier: Apache-2.0
#include "tests/fault/repairable_damage.hpp"

#include "core/repository/blob_name.hpp"
#include "core/repository/parity.hpp"

#include <string>
#include <vector>

namespace backup::testing {

using namespace repository;

void lose_segment_and_flip_pack(backend::Backend& storage, SeededRandom& random) {
    std::vector<std::string> segments;
    std::vector<std::string> packs;
    storage.list(kIndexFolder, [&](const auto& info) { segments.push_back(info.name); });
    storage.list(kPacksFolder, [&](const auto& info) { packs.push_back(info.name); });
    storage.remove(segments.at(random.below(segments.size())));
    const auto& name = packs.at(random.below(packs.size()));
    auto pack = storage.get(name);
    ParityMaker parity;
    parity.update(pack);
    const auto digest = content::sha256(pack);
    storage.put(parity_name(digest), parity.finish(digest));
    pack.at(random.below(pack.size())) ^= std::byte{0x20};
    storage.remove(name);
    storage.put(name, pack);
}

}  // namespace backup::testing
