// SPDX-License-Identifier: Apache-2.0
#include "core/repository/chunk_index.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/seeded_random.hpp"

#include <algorithm>
#include <map>
#include <set>

using namespace backup;
using namespace backup::repository;
using backup::testing::SeededRandom;

namespace {

content::ShortId random_id(SeededRandom& random) {
    content::ShortId id;
    random.fill(id.bytes);
    // Few values of the leading bytes too: the search must not rely on even spreading.
    if (random.chance(5)) {
        std::fill_n(id.bytes.begin(), 12, std::byte{static_cast<unsigned char>(random.below(3))});
    }
    return id;
}

void sort(IndexSegment& segment) {
    std::sort(segment.records.begin(),
              segment.records.end(),
              [](const auto& left, const auto& right) { return left.id < right.id; });
}

IndexedPack pack_named(unsigned number) {
    IndexedPack pack;
    store_le(pack.name.data(), number);
    return pack;
}

}  // namespace

TEST_CASE("the index finds what a map finds") {
    SeededRandom random;
    ChunkIndex index;
    // Where each chunk is said to be: pack and frame.
    using Place = std::pair<content::Digest, std::uint32_t>;
    std::map<content::ShortId, std::set<Place>> model;
    std::vector<content::ShortId> asked;
    unsigned packs = 0;
    for (int round = 0; round < 25; ++round) {
        IndexSegment segment;
        segment.packs = {pack_named(packs++), pack_named(0)};
        const auto count = random.below(random.chance(4) ? 4000 : 60);
        for (std::uint64_t i = 0; i < count; ++i) {
            const auto id = !asked.empty() && random.chance(10) ? asked[random.below(asked.size())]
                                                                : random_id(random);
            asked.push_back(id);
            segment.records.push_back({id,
                                       static_cast<std::uint32_t>(random.below(2)),
                                       static_cast<std::uint32_t>(i),
                                       1,
                                       2});
        }
        sort(segment);
        auto expected = segment;
        index.add(std::move(segment));
        for (const auto& record : expected.records) {
            model[record.id].emplace(expected.packs[record.pack].name, record.first_frame);
        }
    }
    CHECK(index.packs().size() == packs);
    for (const auto& id : asked) {
        std::set<Place> found;
        for (const auto& record : index.find_all(id)) {
            found.emplace(index.pack(record.pack).name, record.first_frame);
        }
        CHECK((found == model.at(id) || found.size() == ChunkIndex::kMostPlaces));
        REQUIRE(index.find(id) != nullptr);
        CHECK(index.find(id)->id == id);
    }
    for (int i = 0; i < 1000; ++i) {
        const auto id = random_id(random);
        CHECK((index.find(id) != nullptr) == model.contains(id));
    }
}

TEST_CASE("pack numbers of segments become those of the index") {
    ChunkIndex index;
    const content::ShortId first{{std::byte{1}}};
    const content::ShortId second{{std::byte{2}}};
    index.add({{{first, 0, 0, 0, 1}}, {pack_named(10)}, {}});
    index.add({{{second, 1, 0, 0, 1}}, {pack_named(10), pack_named(11)}, {}});
    REQUIRE(index.packs().size() == 2);
    CHECK(index.pack(index.find(first)->pack) == pack_named(10));
    CHECK(index.pack(index.find(second)->pack) == pack_named(11));
    CHECK(index.find(content::ShortId{}) == nullptr);
    CHECK(index.find(content::ShortId{{std::byte{255}}}) == nullptr);
}

TEST_CASE("the same place in two segments counts once") {
    ChunkIndex index;
    const content::ShortId id{{std::byte{1}}};
    index.add({{{id, 0, 3, 4, 5}}, {pack_named(1)}, {}});
    index.add({{{id, 1, 3, 4, 5}}, {pack_named(2), pack_named(1)}, {}});
    CHECK(index.find_all(id).size() == 1);
    CHECK(index.chunk_count() == 1);
}
