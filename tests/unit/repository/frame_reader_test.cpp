// SPDX-License-Identifier: Apache-2.0
#include "core/repository/frame_reader.hpp"

#include "core/base/patience.hpp"
#include "core/base/task_group.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/pack_reader.hpp"
#include "core/repository/pack_writer.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/test_repository.hpp"

#include <atomic>
#include <optional>

using namespace backup;
using namespace backup::repository;
using namespace backup::testing;

namespace {

constexpr std::uint32_t kFrameBytes = 4096;

/// May have a place that cannot be read.
struct BadDisk : backend::MemoryBackend {
    void get_range(std::string_view name, std::uint64_t offset, std::span<std::byte> out) override {
        ++reads;
        if (bad_sector && offset <= *bad_sector && *bad_sector < offset + out.size()) {
            throw Error(ErrorCode::Io, "input/output error");
        }
        MemoryBackend::get_range(name, offset, out);
    }

    std::optional<std::uint64_t> bad_sector;
    std::atomic<std::size_t> reads = 0;
};

/// A pack that holds one long chunk.
struct Fixture {
    SeededRandom random;
    FakeClock clock;
    BadDisk backend;
    Repository repository =
        open_tiny_repository(backend, init_tiny_repository(backend, random, clock));
    Bytes plain = random.bytes(100 * kFrameBytes + 17);
    content::ChunkId id = random_id();
    IndexedPack pack = write_pack();
    IndexRecord chunk{id.short_id(), 0, 0, 0, static_cast<std::uint32_t>(plain.size())};

    content::ChunkId random_id() {
        content::ChunkId fresh;
        random.fill(fresh.bytes);
        return fresh;
    }

    IndexedPack write_pack() {
        PackWriter writer(repository, BlobKind::DataPack, random);
        content::FrameGroupBuilder builder(kFrameBytes, 1, true);
        builder.add(id, content::ChunkKind::Data, plain);
        writer.add(builder.take());
        writer.finish();
        writer.commit();
        return writer.pack();
    }

    FrameReader make_reader(FrameReaderOptions options) {
        return {repository, options, [this](std::uint32_t) { return pack; }};
    }

    Bytes collect(FrameReader& reader, std::uint64_t offset, std::uint64_t size) const {
        ByteChain chain;
        reader.collect(chunk, offset, size, chain);
        Bytes out;
        for (const auto& piece : chain) {
            append(out, piece.bytes);
        }
        return out;
    }

    Bytes wanted(std::uint64_t offset, std::uint64_t size) const {
        return to_bytes(ByteView(plain).subspan(offset, size));
    }

    /// One byte in the middle of a frame's stored bytes.
    void damage(std::uint32_t frame) {
        auto blob = backend.get(pack_name(pack.name));
        const PackReader reader(repository, pack);
        blob.at(reader.frame(frame).end - 100) ^= std::byte{1};
        backend.remove(pack_name(pack.name));
        backend.put(pack_name(pack.name), blob);
    }
};

}  // namespace

TEST_CASE("many threads decode each frame once") {
    Fixture fixture;
    auto reader = fixture.make_reader({.cache_bytes = 64U << 20U, .prefetch_threads = 2});
    TaskGroup threads;
    std::atomic<int> wrong = 0;
    for (int i = 0; i < 8; ++i) {
        threads.start([&](const std::stop_token&) {
            for (std::uint64_t at = 0; at + 10'000 < fixture.plain.size(); at += 3333) {
                wrong += fixture.collect(reader, at, 10'000) == fixture.wanted(at, 10'000) ? 0 : 1;
            }
        });
    }
    threads.wait();
    CHECK(wrong == 0);
    const auto counters = reader.counters();
    CHECK(counters.decoded <= 101);
    CHECK(counters.cache_hits > 0);
}

TEST_CASE("who reads in order finds frames decoded ahead, and the same bytes without a cache") {
    Fixture fixture;
    for (const std::uint64_t cache_bytes : {0U, 100'000U, 64U << 20U}) {
        INFO(cache_bytes);
        auto reader = fixture.make_reader({.cache_bytes = cache_bytes, .prefetch_threads = 1});
        Bytes all;
        while (all.size() < fixture.plain.size()) {
            const auto size = std::min<std::size_t>(5000, fixture.plain.size() - all.size());
            append(all, fixture.collect(reader, all.size(), size));
        }
        CHECK(all == fixture.plain);
        Bytes read(fixture.plain.size());
        reader.read(fixture.chunk, 0, read);
        CHECK(read == fixture.plain);
    }
}

TEST_CASE("a damaged frame is an error of its own bytes only") {
    Fixture fixture;
    fixture.damage(50);
    auto reader = fixture.make_reader({.cache_bytes = 64U << 20U, .prefetch_threads = 2});
    for (std::uint32_t frame = 0; frame < 100; ++frame) {
        INFO(frame);
        const auto read = [&] { return fixture.collect(reader, frame * kFrameBytes, kFrameBytes); };
        if (frame == 50) {
            CHECK(error_code_of(read) == ErrorCode::CorruptData);
        } else {
            CHECK(read() == fixture.wanted(frame * kFrameBytes, kFrameBytes));
        }
    }
    CHECK(error_code_of([&] { return fixture.collect(reader, 49 * kFrameBytes, 10'000); }) ==
          ErrorCode::CorruptData);
    CHECK(error_code_of([&] { return fixture.collect(reader, fixture.plain.size(), 1); }) ==
          ErrorCode::CorruptData);
}

TEST_CASE("a place of the disk that cannot be read is an error of its frame only") {
    Fixture fixture;
    auto reader = fixture.make_reader({});
    CHECK(fixture.collect(reader, 0, 1) == fixture.wanted(0, 1));
    const PackReader pack(fixture.repository, fixture.pack);
    fixture.backend.bad_sector = pack.frame(50).end - 100;
    // All of this is one read of the storage.
    CHECK(error_code_of([&] {
              return fixture.collect(reader, 40 * kFrameBytes, 20 * kFrameBytes);
          }) == ErrorCode::Io);
    const std::size_t calls = fixture.backend.reads;
    CHECK(fixture.collect(reader, 40 * kFrameBytes, 10 * kFrameBytes) ==
          fixture.wanted(40 * kFrameBytes, 10 * kFrameBytes));
    CHECK(fixture.collect(reader, 51 * kFrameBytes, 9 * kFrameBytes) ==
          fixture.wanted(51 * kFrameBytes, 9 * kFrameBytes));
    CHECK(fixture.backend.reads == calls);
    CHECK(error_code_of([&] { return fixture.collect(reader, 50 * kFrameBytes, 1); }) ==
          ErrorCode::Io);
    fixture.backend.bad_sector.reset();
    CHECK(fixture.collect(reader, 40 * kFrameBytes, 20 * kFrameBytes) ==
          fixture.wanted(40 * kFrameBytes, 20 * kFrameBytes));
}

TEST_CASE("of a pack that was cut the frames before the cut are read") {
    Fixture fixture;
    auto reader = fixture.make_reader({});
    CHECK(fixture.collect(reader, 0, 1) == fixture.wanted(0, 1));
    const PackReader pack(fixture.repository, fixture.pack);
    const auto name = pack_name(fixture.pack.name);
    auto blob = fixture.backend.get(name);
    blob.resize(pack.frame(50).end - 1);
    fixture.backend.remove(name);
    fixture.backend.put(name, blob);
    CHECK(error_code_of([&] {
              return fixture.collect(reader, 40 * kFrameBytes, 20 * kFrameBytes);
          }) == ErrorCode::CorruptData);
    CHECK(fixture.collect(reader, 40 * kFrameBytes, 10 * kFrameBytes) ==
          fixture.wanted(40 * kFrameBytes, 10 * kFrameBytes));
}

TEST_CASE("what is decoded is given to those who must not wait, the rest is not") {
    Fixture fixture;
    auto reader = fixture.make_reader({});
    CHECK(fixture.collect(reader, 0, 10).size() == 10);
    const Impatience impatience;
    CHECK(fixture.collect(reader, 100, 1000) == fixture.wanted(100, 1000));
    CHECK_FALSE(impatience.was_tried());
    CHECK(error_code_of([&] { return fixture.collect(reader, 50'000, 10); }) ==
          ErrorCode::Interrupted);
    CHECK(impatience.was_tried());
}

TEST_CASE("a file that was closed is opened again") {
    Fixture fixture;
    auto reader = fixture.make_reader({.cache_bytes = 0});
    CHECK(fixture.collect(reader, 0, 10) == fixture.wanted(0, 10));
    reader.close_idle();
    reader.close_idle();
    CHECK(fixture.collect(reader, 9000, 10) == fixture.wanted(9000, 10));
}

TEST_CASE("a place that the pack does not confirm is refused, unless its table cannot be read") {
    Fixture fixture;
    auto wrong = fixture.chunk;
    SECTION("another chunk") {
        wrong.id.bytes[0] ^= std::byte{1};
    }
    SECTION("another frame") {
        ++wrong.first_frame;
    }
    SECTION("another place in it") {
        ++wrong.offset;
    }
    SECTION("another length") {
        --wrong.length;
    }
    Bytes piece(10);
    const auto read = [&] {
        fixture.make_reader({}).read(wrong, 5000, piece);
        return 0;
    };
    const auto error = error_of(read);
    CHECK(error.code() == ErrorCode::CorruptData);
    CHECK_THAT(error.what(), contains(pack_name(fixture.pack.name)));
    CHECK(error_code_of([&] {
              ByteChain out;
              fixture.make_reader({}).collect(wrong, 5000, 10, out);
              return 0;
          }) == ErrorCode::CorruptData);

    fixture.backend.bad_sector = fixture.pack.frame_table_offset - 1;
    auto reader = fixture.make_reader({});
    CHECK(fixture.collect(reader, 5000, 10) == fixture.wanted(5000, 10));
}
