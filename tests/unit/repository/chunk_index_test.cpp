// SPDX-License-Identifier: Apache-2.0
#include "core/repository/chunk_index.hpp"

#include "core/repository/blob_name.hpp"
#include "core/repository/index_writer.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/spoiled_backend.hpp"
#include "tests/support/test_repository.hpp"

#include <algorithm>
#include <map>
#include <set>

using namespace backup;
using namespace backup::repository;
using namespace backup::testing;

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

IndexedPack pack_named(unsigned number) {
    IndexedPack pack;
    store_le(pack.name.data(), number);
    pack.frame_count = 10'000;
    pack.frame_table_bytes = 10'000 * 8 + 16;
    pack.frame_table_offset = 5000;
    pack.size = pack.frame_table_offset + pack.frame_table_bytes + 32;
    return pack;
}

struct Fixture {
    SeededRandom random;
    FakeClock clock;
    backend::MemoryBackend memory;
    SpoiledBackend backend{memory};
    Repository repository =
        open_tiny_repository(backend, init_tiny_repository(backend, random, clock));

    content::Digest put(IndexSegment segment) {
        std::sort(segment.records.begin(),
                  segment.records.end(),
                  [](const auto& left, const auto& right) { return left.id < right.id; });
        const auto blob = encode_index(repository, segment, random);
        const auto digest = content::sha256(blob);
        backend.put(index_name(digest), blob);
        return digest;
    }

    IndexSegment segment_of(std::size_t records, unsigned pack = 1) {
        IndexSegment segment;
        segment.packs = {pack_named(pack)};
        for (std::size_t i = 0; i < records; ++i) {
            segment.records.push_back({random_id(random), 0, 3, 4, 5});
        }
        return segment;
    }

    void damage(const content::Digest& segment, std::size_t at) {
        auto blob = backend.get(index_name(segment));
        blob[at] ^= std::byte{1};
        backend.remove(index_name(segment));
        backend.put(index_name(segment), blob);
    }
};

}  // namespace

TEST_CASE("the index finds what a map finds") {
    Fixture fixture;
    auto& random = fixture.random;
    // So small that blocks are dropped and read again.
    ChunkIndex index(fixture.repository, {.cache_bytes = 100'000, .on_damaged = {}});
    // Where each chunk is said to be: pack and frame.
    using Place = std::pair<content::Digest, std::uint32_t>;
    std::map<content::ShortId, std::set<Place>> model;
    std::vector<content::ShortId> asked;
    unsigned packs = 0;
    for (int round = 0; round < 25; ++round) {
        IndexSegment segment;
        segment.packs = {pack_named(packs++), pack_named(0)};
        const auto count = random.below(random.chance(4) ? 6000 : 60);
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
        for (const auto& record : segment.records) {
            model[record.id].emplace(segment.packs[record.pack].name, record.first_frame);
        }
        fixture.put(std::move(segment));
        CHECK(index.refresh());
        CHECK_FALSE(index.refresh());
    }
    CHECK(index.list_packs().size() == packs);
    CHECK(index.chunk_count() == asked.size());
    for (const auto& id : asked) {
        std::set<Place> found;
        for (const auto& record : index.find_all(id)) {
            found.emplace(index.pack(record.pack).name, record.first_frame);
        }
        CHECK((found == model.at(id) || found.size() == ChunkIndex::kMostPlaces));
        REQUIRE(index.find(id).has_value());
        CHECK(index.find(id)->id == id);
    }
    for (int i = 0; i < 1000; ++i) {
        const auto id = random_id(random);
        CHECK(index.find(id).has_value() == model.contains(id));
    }
}

TEST_CASE("a chunk that stands in many records is found in all blocks they fill") {
    Fixture fixture;
    IndexSegment segment;
    segment.packs = {pack_named(1)};
    const content::ShortId before{{std::byte{1}}};
    const content::ShortId id{{std::byte{2}}};
    const content::ShortId after{{std::byte{3}}};
    for (std::uint32_t i = 0; i < 2047; ++i) {
        segment.records.push_back({before, 0, i, 1, 1});
    }
    for (std::uint32_t i = 0; i < 3; ++i) {
        segment.records.push_back({id, 0, i, 1, 1});
    }
    segment.records.push_back({after, 0, 7, 1, 1});
    fixture.put(segment);
    ChunkIndex index(fixture.repository);
    index.refresh();
    CHECK(index.find_all(before).size() == ChunkIndex::kMostPlaces);
    CHECK(index.find_all(id).size() == 3);
    CHECK(index.find_all(after).size() == 1);
    CHECK(index.find_all(content::ShortId{}).empty());
    CHECK(index.find_all(content::ShortId{{std::byte{255}}}).empty());
}

TEST_CASE("pack numbers of segments become those of the index, and stay") {
    Fixture fixture;
    ChunkIndex index(fixture.repository);
    const content::ShortId first{{std::byte{1}}};
    const content::ShortId second{{std::byte{2}}};
    fixture.put({{{first, 0, 0, 0, 1}}, {pack_named(10)}, {}});
    index.refresh();
    const auto number = index.find(first)->pack;
    fixture.put({{{second, 1, 0, 0, 1}}, {pack_named(10), pack_named(11)}, {}});
    index.refresh();
    REQUIRE(index.list_packs().size() == 2);
    CHECK(index.pack(number) == pack_named(10));
    CHECK(index.pack(index.find(first)->pack) == pack_named(10));
    CHECK(index.pack(index.find(second)->pack) == pack_named(11));
}

TEST_CASE("the same place in two segments counts once") {
    Fixture fixture;
    const content::ShortId id{{std::byte{1}}};
    fixture.put({{{id, 0, 3, 4, 5}}, {pack_named(1)}, {}});
    fixture.put({{{id, 1, 3, 4, 5}}, {pack_named(2), pack_named(1)}, {}});
    ChunkIndex index(fixture.repository);
    index.refresh();
    CHECK(index.find_all(id).size() == 1);
}

TEST_CASE("what a segment replaces is ignored while that segment is there") {
    Fixture fixture;
    const content::ShortId id{{std::byte{1}}};
    const auto old = fixture.put({{{id, 0, 3, 4, 5}}, {pack_named(1)}, {}});
    ChunkIndex index(fixture.repository);
    index.refresh();
    CHECK(index.find(id).has_value());
    const auto lost_pack = pack_named(7).name;
    const auto next = fixture.put({{{id, 0, 8, 4, 5}}, {pack_named(2)}, {old, lost_pack}});
    ChunkIndex fresh(fixture.repository);
    for (auto* const one : {&index, &fresh}) {
        one->refresh();
        CHECK(one->list_segments().size() == 1);
        REQUIRE(one->find_all(id).size() == 1);
        CHECK(one->find(id)->first_frame == 8);
        CHECK(one->list_packs() == std::vector<IndexedPack>{pack_named(2)});
        CHECK(one->is_superseded(old));
        CHECK(one->is_superseded(lost_pack));
        CHECK_FALSE(one->is_superseded(pack_named(1).name));
    }
    fixture.backend.remove(index_name(next));
    index.refresh();
    REQUIRE(index.find(id).has_value());
    CHECK(index.find(id)->first_frame == 3);
    CHECK_FALSE(index.is_superseded(lost_pack));
}

TEST_CASE("a segment that vanished is told apart from a damaged one, and dropped by refresh") {
    Fixture fixture;
    const auto segment = fixture.segment_of(5000);
    const auto digest = fixture.put(segment);
    ChunkIndex index(fixture.repository);
    index.refresh();
    fixture.backend.remove(index_name(digest));
    CHECK(error_code_of([&] { return index.find(segment.records[0].id); }) == ErrorCode::NotFound);
    CHECK_FALSE(index.refresh());
    CHECK_FALSE(index.find(segment.records[0].id).has_value());
    CHECK(index.list_packs().empty());
}

TEST_CASE("a damaged block names its segment, and hides only what nothing else says") {
    Fixture fixture;
    const auto segment = fixture.segment_of(5000, 1);
    const auto digest = fixture.put(segment);
    auto sorted = segment.records;
    std::sort(sorted.begin(), sorted.end(), [](const auto& left, const auto& right) {
        return left.id < right.id;
    });
    const auto in_first_block = sorted[100].id;
    const auto elsewhere = sorted[200].id;
    const auto in_last_block = sorted[4999].id;
    fixture.put({{{elsewhere, 0, 77, 4, 5}}, {pack_named(2)}, {}});
    fixture.damage(digest, 96 + 5);

    ChunkIndex strict(fixture.repository);
    strict.refresh();
    CHECK(strict.find(in_last_block).has_value());
    CHECK(strict.find(elsewhere)->first_frame == 77);
    CHECK(strict.find_all(elsewhere).size() == 1);
    CHECK(error_code_of([&] { return strict.find(in_first_block); }) == ErrorCode::CorruptData);
    CHECK_THAT(error_of([&] { return strict.find(in_first_block); }).message(),
               contains(index_name(digest)));

    std::vector<std::string> reported;
    ChunkIndex lenient(
        fixture.repository,
        {.on_damaged = [&](const std::string& blob, const Error&) { reported.push_back(blob); }});
    lenient.refresh();
    CHECK(reported.empty());
    CHECK_FALSE(lenient.find(in_first_block).has_value());
    CHECK_FALSE(lenient.find(sorted[101].id).has_value());
    CHECK(reported == std::vector<std::string>{index_name(digest)});
}

TEST_CASE("damage of what is read first shows when the index is opened") {
    Fixture fixture;
    const auto digest = fixture.put(fixture.segment_of(5000));
    const auto size = fixture.backend.size(index_name(digest));
    for (const auto at : {std::size_t{10}, std::size_t{70}, size - 10, size - 60, size - 3000}) {
        fixture.damage(digest, at);
        ChunkIndex index(fixture.repository);
        CHECK_THAT(error_of([&] { return index.refresh(); }).message(),
                   contains(index_name(digest)));
        std::size_t reported = 0;
        ChunkIndex lenient(fixture.repository,
                           {.on_damaged = [&](const auto&, const auto&) { ++reported; }});
        CHECK_FALSE(lenient.refresh());
        CHECK_FALSE(lenient.refresh());
        CHECK(reported == 1);
        fixture.damage(digest, at);
    }
}

TEST_CASE("a segment that could not be read is left out until a refresh can read it") {
    Fixture fixture;
    const auto lost = fixture.segment_of(5000, 1);
    const auto digest = fixture.put(lost);
    const auto other = fixture.segment_of(10, 2);
    fixture.put(other);
    const auto blob = fixture.backend.get(index_name(digest));
    fixture.backend.spoil(index_name(digest), blob.size() - 10, 1);

    std::vector<ErrorCode> reported;
    ChunkIndex index(fixture.repository, {.on_damaged = [&](const auto&, const Error& error) {
                         reported.push_back(error.code());
                     }});
    index.refresh();
    CHECK_FALSE(index.refresh());
    CHECK(reported == std::vector{ErrorCode::Io});
    CHECK(index.unread_segments() == 1);
    CHECK(index.find(other.records[0].id).has_value());
    CHECK_FALSE(index.find(lost.records[0].id).has_value());

    fixture.backend.remove(index_name(digest));
    fixture.backend.put(index_name(digest), blob);
    CHECK(index.refresh());
    CHECK(index.find(lost.records[0].id).has_value());
}
