// SPDX-License-Identifier: Apache-2.0
#include "core/repository/index_merge.hpp"

#include "core/repository/blob_name.hpp"
#include "core/repository/chunk_index.hpp"
#include "core/repository/index_writer.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/test_repository.hpp"

#include <algorithm>
#include <set>
#include <tuple>

using namespace backup;
using namespace backup::repository;
using namespace backup::testing;

namespace {

using Place = std::tuple<content::ShortId, content::Digest, std::uint32_t>;

IndexedPack pack_named(std::uint64_t number) {
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
    backend::MemoryBackend backend;
    Repository repository =
        open_tiny_repository(backend, init_tiny_repository(backend, random, clock));
    std::vector<content::ShortId> used_ids;

    content::Digest put_segment(std::size_t records) {
        std::vector<IndexRecord> sorted;
        for (std::size_t i = 0; i < records; ++i) {
            content::ShortId id;
            random.fill(id.bytes);
            if (!used_ids.empty() && random.chance(5)) {
                id = used_ids[random.below(used_ids.size())];
            }
            used_ids.push_back(id);
            sorted.push_back({id, 0, static_cast<std::uint32_t>(random.below(3)), 1, 2});
        }
        std::sort(sorted.begin(), sorted.end(), [](const auto& left, const auto& right) {
            return left.id < right.id;
        });
        IndexWriter writer(repository, random);
        for (auto& record : sorted) {
            record.pack = writer.add_pack(pack_named(random.below(4)));
            writer.add(record);
        }
        return writer.commit();
    }

    IndexReaders readers() {
        ChunkIndex index(repository);
        index.refresh();
        return index.list_segments();
    }

    std::set<Place> places() {
        std::set<Place> found;
        for (const auto& reader : readers()) {
            const auto tables = reader->read_tables();
            reader->for_each([&](const IndexRecord& record) {
                found.emplace(record.id, tables.packs[record.pack].name, record.first_frame);
            });
        }
        return found;
    }
};

}  // namespace

TEST_CASE("what was written record by record is read record by record") {
    Fixture fixture;
    const auto digest = fixture.put_segment(5000);
    const auto blob = fixture.backend.get(index_name(digest));
    CHECK(content::sha256(blob) == digest);
    const auto whole = decode_index(fixture.repository, blob, "index/x");
    IndexTables tables;
    const IndexReader reader(fixture.repository, digest, blob.size(), tables);
    CHECK(tables.packs == whole.packs);
    CHECK(reader.record_count() == 5000);
    std::vector<IndexRecord> records;
    reader.for_each([&](const IndexRecord& record) { records.push_back(record); });
    CHECK(records == whole.records);
    CHECK_NOTHROW(verify_index_segment(fixture.repository, digest, blob.size()));
    const auto listed = list_index_segments(fixture.repository);
    REQUIRE(listed.size() == 1);
    CHECK(listed[0].digest == digest);
    CHECK(listed[0].blob_bytes == blob.size());
}

TEST_CASE("verifying a segment notices every kind of damage, and another one in its place") {
    Fixture fixture;
    const auto digest = fixture.put_segment(2100);
    const auto name = index_name(digest);
    const auto blob = fixture.backend.get(name);
    const auto other = fixture.backend.get(index_name(fixture.put_segment(2100)));
    const auto code_of = [&](const Bytes& stored) {
        fixture.backend.remove(name);
        fixture.backend.put(name, stored);
        return error_of([&] {
            verify_index_segment(fixture.repository, digest, stored.size());
            return 0;
        });
    };
    for (std::size_t at = 0; at < blob.size(); at += 97) {
        auto damaged = blob;
        damaged[at] ^= std::byte{1};
        CHECK_THAT(code_of(damaged).message(), contains(name));
    }
    CHECK_THAT(code_of(other).message(), contains("its hash is not its name"));
    CHECK(code_of(Bytes(blob.begin(), blob.end() - 1)).code() == ErrorCode::CorruptData);
    CHECK(code_of({}).code() == ErrorCode::CorruptData);
}

TEST_CASE("a writer of segments refuses records out of order") {
    Fixture fixture;
    IndexWriter writer(fixture.repository, fixture.random);
    writer.add_pack(pack_named(1));
    writer.add({content::ShortId{{std::byte{2}}}, 0, 0, 0, 1});
    const auto code_of = [&](const IndexRecord& record) {
        return error_code_of([&] {
            writer.add(record);
            return 0;
        });
    };
    CHECK(code_of({content::ShortId{{std::byte{1}}}, 0, 0, 0, 1}) == ErrorCode::Internal);
    CHECK(code_of({content::ShortId{{std::byte{3}}}, 1, 0, 0, 1}) == ErrorCode::Internal);
}

TEST_CASE("merged segments say what they said before, each place once") {
    Fixture fixture;
    for (int i = 0; i < 20; ++i) {
        fixture.put_segment(fixture.random.below(i % 5 == 0 ? 5000 : 200));
    }
    const auto superfluous = pack_named(99).name;
    {
        IndexWriter writer(fixture.repository, fixture.random);
        writer.add_replaced(superfluous);
        writer.commit();
    }
    const auto before = fixture.places();
    const auto readers = fixture.readers();
    const auto merged = merge_index(fixture.repository, readers, fixture.random);
    CHECK(merged.records == before.size());
    CHECK(fixture.readers().size() == 1);
    CHECK(fixture.places() == before);
    ChunkIndex index(fixture.repository);
    index.refresh();
    CHECK(index.is_superseded(superfluous));
    for (const auto& reader : readers) {
        CHECK(index.is_superseded(reader->digest()));
    }
    const auto size = fixture.backend.size(index_name(merged.digest));
    CHECK(merged.stored_bytes == size);
    CHECK_NOTHROW(verify_index_segment(fixture.repository, merged.digest, size));
}

TEST_CASE("compaction leaves few segments and loses nothing") {
    Fixture fixture;
    for (int i = 0; i < 70; ++i) {
        fixture.put_segment(1 + fixture.random.below(100));
    }
    const auto before = fixture.places();
    CHECK(compact_index(fixture.repository, fixture.readers(), fixture.random) > 0);
    CHECK(fixture.readers().size() < 16);
    CHECK(fixture.places() == before);
    CHECK(compact_index(fixture.repository, fixture.readers(), fixture.random) == 0);
}

TEST_CASE("compaction of damaged segments writes nothing") {
    Fixture fixture;
    content::Digest last{};
    for (int i = 0; i < 10; ++i) {
        last = fixture.put_segment(100);
    }
    const auto readers = fixture.readers();
    auto blob = fixture.backend.get(index_name(last));
    blob[100] ^= std::byte{1};
    fixture.backend.remove(index_name(last));
    fixture.backend.put(index_name(last), blob);
    CHECK(error_code_of([&] {
              return compact_index(fixture.repository, readers, fixture.random);
          }) == ErrorCode::CorruptData);
    CHECK(list_index_segments(fixture.repository).size() == 10);
}

TEST_CASE("merges are chosen among segments of a size, and never grow without bound") {
    CHECK(choose_merge({}).empty());
    CHECK(choose_merge(std::vector<std::uint64_t>(7, 100)).empty());
    CHECK(choose_merge(std::vector<std::uint64_t>(8, 100)).size() == 8);
    CHECK(choose_merge(std::vector<std::uint64_t>(1000, 100)).size() == kMostMerged);
    CHECK(choose_merge({1, 5000, 40'000, 300'000, 1, 5000, 40'000, 300'000}).empty());
    CHECK(choose_merge(std::vector<std::uint64_t>(9, kMostMergedRecords)).empty());
    CHECK(choose_merge(std::vector<std::uint64_t>(9, kMostMergedRecords / 4)).size() == 4);

    // Many commits: segments stay few and each record is written again a few times only.
    std::vector<std::uint64_t> counts;
    std::uint64_t rewritten = 0;
    constexpr std::uint64_t kCommits = 2000;
    constexpr std::uint64_t kRecords = 3000;
    std::size_t most = 0;
    for (std::uint64_t commit = 0; commit < kCommits; ++commit) {
        counts.push_back(kRecords);
        for (auto chosen = choose_merge(counts); !chosen.empty(); chosen = choose_merge(counts)) {
            std::uint64_t sum = 0;
            std::sort(chosen.rbegin(), chosen.rend());
            for (const auto i : chosen) {
                sum += counts[i];
                counts.erase(counts.begin() + static_cast<std::ptrdiff_t>(i));
            }
            counts.push_back(sum);
            rewritten += sum;
        }
        most = std::max(most, counts.size());
    }
    CHECK(most < 40);
    CHECK(rewritten < 5 * kCommits * kRecords);
}
