// SPDX-License-Identifier: Apache-2.0
#include "core/repository/writer.hpp"

#include "core/base/task_group.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/index_reader.hpp"
#include "core/repository/pack_pipeline.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/test_repository.hpp"

#include <atomic>

using namespace backup;
using namespace backup::repository;
using namespace backup::testing;

namespace {

struct Fixture {
    SeededRandom random;
    FakeClock clock;
    backend::MemoryBackend backend;
    Repository repository =
        open_tiny_repository(backend, init_tiny_repository(backend, random, clock));
    content::ChunkHasher hasher{repository.keys().chunk_id};

    std::size_t count(std::string_view folder) {
        std::size_t count = 0;
        backend.list(folder, [&count](const auto&) { ++count; });
        return count;
    }

    PointRecord record() {
        PointRecord record;
        record.point.created = clock.now();
        return record;
    }

    content::FrameGroup group_of(const std::vector<Bytes>& chunks) {
        content::FrameGroupBuilder builder(4096, 1, true);
        for (const auto& chunk : chunks) {
            builder.add(hasher(content::ChunkKind::Data, chunk), content::ChunkKind::Data, chunk);
        }
        return builder.take();
    }

    content::ShortId id_of(ByteView chunk) {
        return hasher(content::ChunkKind::Data, chunk).short_id();
    }
};

}  // namespace

TEST_CASE("points come back bit for bit, and share what they have in common") {
    Fixture fixture;
    auto files = some_files(fixture.random);
    const auto first =
        write_point(fixture.repository, "first", files, fixture.random, fixture.clock);
    CHECK(first.point.id.size() == 64);
    CHECK(first.point.statistics.new_bytes > 80'000);
    const auto packs = fixture.count("packs");
    CHECK(packs > 2);

    fixture.clock.advance(std::chrono::hours(1));
    auto changed = files;
    changed["text"][25'000] ^= std::byte{1};
    const auto second =
        write_point(fixture.repository, "second", changed, fixture.random, fixture.clock);
    CHECK(second.point.statistics.new_bytes < 40'000);
    CHECK(second.point.statistics.new_bytes > 1000);
    CHECK(fixture.count("packs") == packs + 3);

    const auto points = list_points(fixture.repository);
    REQUIRE(points.size() == 2);
    CHECK(points[0].point == first.point);
    CHECK(points[1].point == second.point);
    CHECK(read_files(fixture.repository, points[0]) == files);
    CHECK(read_files(fixture.repository, points[1]) == changed);
    ChunkStore chunks(fixture.repository);
    CHECK(read_ledger(chunks, points[1]).warnings == std::vector<std::string>{"second"});
}

TEST_CASE("the pack set names every pack but that of the set itself") {
    Fixture fixture;
    const auto files = some_files(fixture.random);
    const auto record =
        write_point(fixture.repository, "point", files, fixture.random, fixture.clock);
    ChunkStore chunks(fixture.repository);
    const auto list = read_stream(chunks, record.packs, 1U << 20U);
    CHECK(list.size() == 32 * (fixture.count("packs") - 1));
    std::size_t missing = 0;
    fixture.backend.list("packs", [&](const backend::BlobInfo& info) {
        const auto digest = *find_pack_digest(info.name);
        missing += std::search(list.begin(), list.end(), digest.begin(), digest.end()) == list.end()
                       ? 1U
                       : 0U;
    });
    CHECK(missing == 1);
}

TEST_CASE("any part of a chunk can be read, and few bytes are fetched for it") {
    Fixture fixture;
    const auto chunk = fixture.random.bytes(15'000);
    {
        ChunkStore known(fixture.repository);
        Writer writer(fixture.repository, known, fixture.random, fixture.clock);
        writer.add_group(fixture.group_of({Bytes(3000), chunk, Bytes(10)}), PackKind::Data);
        writer.commit(fixture.record());
    }
    ChunkStore chunks(fixture.repository);
    const auto id = fixture.id_of(chunk);
    CHECK(chunks.read(id) == chunk);
    for (int i = 0; i < 300; ++i) {
        const auto offset = fixture.random.below(chunk.size());
        Bytes piece(fixture.random.below(chunk.size() - offset + 1));
        chunks.read_range({id, chunk.size(), offset}, piece);
        CHECK(std::equal(piece.begin(), piece.end(), chunk.data() + offset));
    }
    chunks.read_range({id, chunk.size(), chunk.size()}, {});
    chunks.read_range({fixture.id_of(Bytes(10)), 10, 10}, {});
    CHECK(chunks.counters().frame_cache_hits > 100);
    ChunkStore cold(fixture.repository);
    Bytes piece(10);
    cold.read_range({id, chunk.size(), 9000}, piece);
    CHECK(cold.counters().frames_decoded == 1);
    CHECK(cold.counters().bytes_fetched < 6000);
    CHECK(error_code_of([&] {
              cold.read_range({id, chunk.size(), 14'995}, piece);
              return 0;
          }) == ErrorCode::CorruptData);
    CHECK(error_code_of([&] { return cold.read(content::ShortId{}); }) == ErrorCode::CorruptData);
    auto full_id = fixture.hasher(content::ChunkKind::Data, chunk);
    CHECK(chunks.read(full_id, content::ChunkKind::Data, chunk.size()) == chunk);
    CHECK(error_code_of([&] {
              return chunks.read(full_id, content::ChunkKind::Page, chunk.size());
          }) == ErrorCode::CorruptData);
}

TEST_CASE("a chunk is known after it was added, stored or claimed") {
    Fixture fixture;
    const Bytes chunk(2000, std::byte{5});
    const auto id = fixture.id_of(chunk);
    ChunkStore known(fixture.repository);
    {
        Writer writer(fixture.repository, known, fixture.random, fixture.clock);
        CHECK_FALSE(writer.is_known(id));
        CHECK(writer.claim(id));
        CHECK_FALSE(writer.claim(id));
        writer.add_group(fixture.group_of({chunk}), PackKind::Data);
        CHECK(writer.is_known(id));
        writer.commit(fixture.record());
        CHECK(writer.counters().chunks_added == 2);
        CHECK(writer.counters().stored_bytes > 0);
    }
    CHECK_FALSE(known.contains(id));
    CHECK(known.refresh());
    CHECK_FALSE(known.refresh());
    CHECK(known.contains(id));
    Writer later(fixture.repository, known, fixture.random, fixture.clock);
    CHECK(later.is_known(id));
    CHECK_FALSE(later.claim(id));
}

TEST_CASE("a chunk that somebody relies on and nobody added stops the commit") {
    Fixture fixture;
    ChunkStore known(fixture.repository);
    Writer writer(fixture.repository, known, fixture.random, fixture.clock);
    const auto id = fixture.id_of(Bytes(100));
    CHECK(writer.claim(id));
    CHECK_FALSE(writer.claim(id));
    CHECK(error_code_of([&] { return writer.commit(fixture.record()).point.id; }) ==
          ErrorCode::Incomplete);
    CHECK(fixture.count("points") == 0);
}

TEST_CASE("a claim that only its owner gave up does not") {
    Fixture fixture;
    ChunkStore known(fixture.repository);
    Writer writer(fixture.repository, known, fixture.random, fixture.clock);
    CHECK(writer.claim(fixture.id_of(Bytes(100))));
    CHECK_NOTHROW(writer.commit(fixture.record()));
}

TEST_CASE("what a lost pack held is stored again, and read from there") {
    Fixture fixture;
    const auto files = some_files(fixture.random);
    write_point(fixture.repository, "first", files, fixture.random, fixture.clock);
    std::string lost;
    fixture.backend.list("packs", [&](const backend::BlobInfo& info) {
        lost = info.size > 20'000 ? info.name : lost;
    });
    REQUIRE_FALSE(lost.empty());
    fixture.backend.remove(lost);
    const auto first = list_points(fixture.repository).front();
    CHECK(error_code_of([&] { return read_files(fixture.repository, first).size(); }) ==
          ErrorCode::CorruptData);
    fixture.clock.advance(std::chrono::hours(1));
    const auto second =
        write_point(fixture.repository, "second", files, fixture.random, fixture.clock);
    CHECK(second.point.statistics.new_bytes > 10'000);
    CHECK(read_files(fixture.repository, second) == files);
    CHECK(read_files(fixture.repository, first) == files);
}

TEST_CASE("a group from elsewhere that lies is refused") {
    Fixture fixture;
    ChunkStore known(fixture.repository);
    Writer writer(fixture.repository, known, fixture.random, fixture.clock);
    auto group = fixture.group_of({Bytes(5000)});
    group.chunks[0].length += 1;
    CHECK(error_code_of([&] {
              writer.add_group(group, PackKind::Data);
              return 0;
          }) == ErrorCode::CorruptData);
}

TEST_CASE("a chunk that was moved by a collection meanwhile is read from its new pack") {
    Fixture fixture;
    const auto chunk = fixture.random.bytes(3000);
    const auto id = fixture.id_of(chunk);
    const auto store = [&] {
        PackPipeline pipeline(fixture.repository, fixture.random);
        pipeline.add(fixture.group_of({chunk}), BlobKind::DataPack);
        pipeline.drain();
        pipeline.write_index();
        return pipeline.list_packs().front();
    };
    const auto old_pack = store();
    const auto old_segment = list_index_segments(fixture.repository).front().digest;
    ChunkStore warm(fixture.repository);
    ChunkStore cold(fixture.repository);
    ChunkStore without_segment(fixture.repository);
    CHECK(warm.find(id)->pack == old_pack);
    const auto new_pack = store();
    fixture.backend.remove(pack_name(old_pack));
    CHECK(warm.read(id) == chunk);
    CHECK(warm.find_all(id).size() == 2);
    fixture.backend.remove(index_name(old_segment));
    CHECK(cold.read(id) == chunk);
    CHECK(cold.find(id)->pack == new_pack);
    CHECK(without_segment.contains(id));
    CHECK(without_segment.list_packs().size() == 1);
    fixture.backend.remove(pack_name(new_pack));
    ChunkStore lost(fixture.repository);
    CHECK(error_code_of([&] { return lost.read(id); }) == ErrorCode::CorruptData);
}

TEST_CASE("commits keep the number of index segments small, unless they are told not to") {
    Fixture fixture;
    const auto write_points = [&](int count, bool compacts) {
        for (int i = 0; i < count; ++i) {
            ChunkStore known(fixture.repository);
            Writer writer(fixture.repository,
                          known,
                          fixture.random,
                          fixture.clock,
                          {.compact_index = compacts});
            writer.add_group(fixture.group_of({fixture.random.bytes(100)}), PackKind::Data);
            writer.commit(fixture.record());
            fixture.clock.advance(std::chrono::hours(1));
        }
        return ChunkStore(fixture.repository).list_segments().size();
    };
    CHECK(write_points(20, false) == 20);
    CHECK(write_points(20, true) < 12);
    const auto points = list_points(fixture.repository);
    CHECK(points.size() == 40);
    ChunkStore chunks(fixture.repository);
    for (const auto& point : points) {
        CHECK_NOTHROW(read_stream(chunks, point.packs, 1U << 20U));
    }
}

TEST_CASE("a long run indexes on the way what it has stored, and still knows it") {
    constexpr std::uint32_t kChunks = 400'000;
    Fixture fixture;
    const auto chunk_of = [](std::uint32_t number) {
        Bytes chunk(sizeof(number));
        store_le(chunk.data(), number);
        return chunk;
    };
    ChunkStore known(fixture.repository);
    Writer writer(fixture.repository, known, fixture.random, fixture.clock);
    content::FrameGroupBuilder builder(4096, 1, false);
    for (std::uint32_t i = 0; i < kChunks; ++i) {
        const auto chunk = chunk_of(i);
        const auto id = fixture.hasher(content::ChunkKind::Data, chunk);
        if (writer.claim(id.short_id())) {
            builder.add(id, content::ChunkKind::Data, chunk);
        }
        if (builder.plain_bytes() >= 100'000) {
            writer.add_group(builder.take(), PackKind::Data);
        }
    }
    writer.add_group(builder.take(), PackKind::Data);
    CHECK_FALSE(writer.claim(fixture.id_of(chunk_of(0))));
    CHECK_FALSE(writer.claim(fixture.id_of(chunk_of(kChunks - 1))));
    const auto record = writer.commit(fixture.record());
    CHECK(writer.counters().chunks_known == 2);
    CHECK(fixture.count("index") == 3);
    ChunkStore chunks(fixture.repository);
    CHECK(chunks.chunk_count() == kChunks + 1);
    CHECK(chunks.read(fixture.id_of(chunk_of(0))) == chunk_of(0));
    // No pack twice, though some are both of this run and found in the index.
    CHECK(read_stream(chunks, record.packs, 1U << 20U).size() == 32 * (fixture.count("packs") - 1));
}

TEST_CASE("many threads write one point") {
    Fixture fixture;
    std::vector<Bytes> contents;
    for (int i = 0; i < 200; ++i) {
        contents.push_back(fixture.random.bytes(500 + fixture.random.below(3000)));
    }
    std::atomic<int> claims{0};
    {
        ChunkStore known(fixture.repository);
        Writer writer(fixture.repository, known, fixture.random, fixture.clock);
        TaskGroup threads;
        for (int thread = 0; thread < 4; ++thread) {
            threads.start([&](const std::stop_token&) {
                content::ChunkHasher hasher(fixture.repository.keys().chunk_id);
                content::FrameGroupBuilder group(4096, 1, true);
                for (const auto& bytes : contents) {
                    const auto id = hasher(content::ChunkKind::Data, bytes);
                    if (writer.claim(id.short_id())) {
                        ++claims;
                        group.add(id, content::ChunkKind::Data, bytes);
                    }
                    if (group.plain_bytes() > 10'000) {
                        writer.add_group(group.take(), PackKind::Data);
                    }
                    writer.add_chunk(content::ChunkKind::Page, bytes);
                }
                writer.add_group(group.take(), PackKind::Data);
            });
        }
        threads.wait();
        writer.commit(fixture.record());
    }
    CHECK(claims == 200);
    ChunkStore chunks(fixture.repository);
    CHECK(chunks.chunk_count() == 401);
    TaskGroup readers;
    std::atomic<int> wrong{0};
    for (int thread = 0; thread < 4; ++thread) {
        readers.start([&](const std::stop_token&) {
            content::ChunkHasher hasher(fixture.repository.keys().chunk_id);
            for (const auto& bytes : contents) {
                const auto id = hasher(content::ChunkKind::Data, bytes);
                wrong += chunks.read(id.short_id()) == bytes ? 0 : 1;
            }
        });
    }
    readers.wait();
    CHECK(wrong == 0);
}

TEST_CASE("what lies in packs known to be damaged is stored again") {
    Fixture fixture;
    const auto chunk = fixture.random.bytes(5000);
    {
        ChunkStore known(fixture.repository);
        Writer writer(fixture.repository, known, fixture.random, fixture.clock);
        writer.add_group(fixture.group_of({chunk}), PackKind::Data);
        writer.commit(fixture.record());
    }
    ChunkStore known(fixture.repository);
    const auto id = fixture.id_of(chunk);
    const auto damaged = known.find(id)->pack;
    {
        Writer writer(fixture.repository, known, fixture.random, fixture.clock);
        CHECK_FALSE(writer.claim(id));
    }
    WriterOptions options;
    options.unsound_packs = {damaged};
    {
        Writer writer(fixture.repository, known, fixture.random, fixture.clock, options);
        REQUIRE(writer.claim(id));
        writer.add_group(fixture.group_of({chunk}), PackKind::Data);
        writer.commit(fixture.record());
    }
    ChunkStore chunks(fixture.repository);
    CHECK(chunks.find_all(id).size() == 2);
    fixture.backend.remove(pack_name(damaged));
    CHECK(chunks.read(id) == chunk);
    // Once it lies elsewhere it is known, also beside the damaged copy.
    Writer writer(fixture.repository, chunks, fixture.random, fixture.clock, options);
    CHECK_FALSE(writer.claim(id));
}

TEST_CASE("two damaged copies of a chunk make a whole one as long as the damage differs") {
    Fixture fixture;
    const auto chunk = fixture.random.bytes(60'000);
    const auto id = fixture.id_of(chunk);
    std::vector<content::Digest> packs;
    for (int i = 0; i < 2; ++i) {
        PackPipeline pipeline(fixture.repository, fixture.random);
        pipeline.add(fixture.group_of({chunk}), BlobKind::DataPack);
        pipeline.drain();
        pipeline.write_index();
        packs.push_back(pipeline.list_packs().front());
    }
    const auto damage = [&](const content::Digest& pack, std::size_t at) {
        auto blob = fixture.backend.get(pack_name(pack));
        blob.at(at) ^= std::byte{1};
        fixture.backend.remove(pack_name(pack));
        fixture.backend.put(pack_name(pack), blob);
    };
    damage(packs[0], 10'000);
    damage(packs[1], 50'000);
    ChunkStore chunks(fixture.repository);
    REQUIRE(chunks.find_all(id).size() == 2);
    CHECK(chunks.read(id) == chunk);
    Bytes range(50'000);
    chunks.read_range({id, chunk.size(), 5'000}, range);
    CHECK(std::equal(range.begin(), range.end(), chunk.begin() + 5'000));
    ByteChain collected;
    chunks.collect({id, chunk.size(), 0}, chunk.size(), collected);
    Bytes joined;
    for (const auto& piece : collected) {
        append(joined, piece.bytes);
    }
    CHECK(joined == chunk);
    // Where both are damaged nothing helps.
    damage(packs[0], 50'000);
    ChunkStore lost(fixture.repository);
    CHECK(error_code_of([&] { return lost.read(id); }) == ErrorCode::CorruptData);
    CHECK(error_code_of([&] {
              lost.collect({id, chunk.size(), 0}, chunk.size(), collected);
              return 0;
          }) == ErrorCode::CorruptData);
}
