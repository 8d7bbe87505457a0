// SPDX-License-Identifier: Apache-2.0
// A run that ends early: what it has stored is not sent again by the next one.
#include "core/repository/adopt_packs.hpp"

#include "core/repository/blob_name.hpp"
#include "core/repository/gc_generation.hpp"
#include "core/repository/writer.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_repository.hpp"

#include <algorithm>

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
    std::vector<Bytes> chunks;

    Fixture() {
        for (int i = 0; i < 20; ++i) {
            chunks.push_back(random.bytes(3000));
        }
    }

    std::vector<std::string> list(std::string_view folder) {
        std::vector<std::string> names;
        backend.list(folder, [&](const backend::BlobInfo& info) { names.push_back(info.name); });
        return names;
    }

    content::ShortId id_of(ByteView chunk) {
        return hasher(content::ChunkKind::Data, chunk).short_id();
    }

    /// A run that is ended in order, without a point.
    void run_and_keep() {
        ChunkStore known(repository);
        Writer writer(repository, known, random, clock);
        for (const auto& chunk : chunks) {
            content::FrameGroupBuilder builder(4096, 1, true);
            builder.add(hasher(content::ChunkKind::Data, chunk), content::ChunkKind::Data, chunk);
            writer.add_group(builder.take(), PackKind::Data);
        }
        writer.keep();
    }

    /// As if it had been killed: no index names its packs.
    void run_and_die() {
        run_and_keep();
        for (const auto& name : list("index")) {
            backend.remove(name);
        }
    }

    /// How many of the chunks the next run need not send.
    std::size_t count_known() {
        ChunkStore known(repository);
        Writer writer(repository, known, random, clock);
        std::size_t count = 0;
        for (const auto& chunk : chunks) {
            count += writer.is_known(id_of(chunk)) ? 1U : 0U;
        }
        return count;
    }
};

}  // namespace

TEST_CASE("what a run that failed has kept is known to the next one") {
    Fixture fixture;
    fixture.run_and_keep();
    CHECK(fixture.list("sessions").empty());
    CHECK(list_points(fixture.repository).empty());
    CHECK(fixture.list("index").size() == 1);
    CHECK(fixture.count_known() == fixture.chunks.size());
    CHECK(fixture.list("index").size() == 1);
}

TEST_CASE(
    "what a run that was killed has stored is known to the next one, and a point may use it") {
    Fixture fixture;
    fixture.run_and_die();
    const auto packs = fixture.list("packs");
    REQUIRE_FALSE(packs.empty());
    PointRecord record;
    {
        ChunkStore known(fixture.repository);
        Writer writer(fixture.repository, known, fixture.random, fixture.clock);
        for (const auto& chunk : fixture.chunks) {
            CHECK_FALSE(writer.claim(fixture.id_of(chunk)));
        }
        record.point.created = fixture.clock.now();
        record = writer.commit(std::move(record));
    }
    // Only the list of packs is new.
    CHECK(fixture.list("packs").size() == packs.size() + 1);
    ChunkStore chunks(fixture.repository);
    for (const auto& chunk : fixture.chunks) {
        CHECK(chunks.read(fixture.id_of(chunk)) == chunk);
    }
    CHECK(read_stream(chunks, record.packs, 1U << 20U).size() == 32 * packs.size());
}

TEST_CASE("packs are adopted once") {
    Fixture fixture;
    fixture.run_and_die();
    CHECK(fixture.count_known() == fixture.chunks.size());
    const auto segments = fixture.list("index").size();
    CHECK(fixture.count_known() == fixture.chunks.size());
    CHECK(fixture.list("index").size() == segments);
}

TEST_CASE("a pack that a collection is about to remove is not adopted") {
    Fixture fixture;
    fixture.run_and_die();
    std::vector<content::Digest> packs;
    for (const auto& name : fixture.list("packs")) {
        packs.push_back(*find_pack_digest(name));
    }
    std::sort(packs.begin(), packs.end());
    put_generation(fixture.repository, packs, fixture.clock.now(), fixture.random);
    CHECK(fixture.count_known() == 0);
    CHECK(fixture.list("index").empty());
}

TEST_CASE("a damaged pack is left out, the others serve") {
    Fixture fixture;
    fixture.run_and_die();
    auto packs = fixture.list("packs");
    REQUIRE(packs.size() > 1);
    auto bytes = fixture.backend.get(packs.front());
    SECTION("its end is damaged") {
        bytes[bytes.size() - 1] ^= std::byte{1};
    }
    SECTION("its tables are damaged") {
        bytes[bytes.size() - 40] ^= std::byte{1};
    }
    SECTION("it is cut") {
        bytes.resize(100);
    }
    SECTION("it is empty") {
        bytes.clear();
    }
    fixture.backend.remove(packs.front());
    fixture.backend.put(packs.front(), bytes);
    const auto known = fixture.count_known();
    CHECK(known > 0);
    CHECK(known < fixture.chunks.size());
}
