// SPDX-License-Identifier: Apache-2.0
#include "core/repository/chunk_claims.hpp"

#include "core/repository/index_writer.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/test_repository.hpp"

#include <array>

using namespace backup;
using namespace backup::repository;
using namespace backup::testing;

namespace {

IndexedPack some_pack(unsigned number) {
    IndexedPack pack;
    store_le(pack.name.data(), number);
    pack.frame_count = 10;
    pack.frame_table_bytes = 96;
    pack.frame_table_offset = 5000;
    pack.size = pack.frame_table_offset + pack.frame_table_bytes + 32;
    return pack;
}

content::ShortId id_of(unsigned number) {
    content::ShortId id;
    store_le(id.bytes.data(), number);
    return id;
}

struct Fixture {
    SeededRandom random;
    FakeClock clock;
    backend::MemoryBackend backend;
    Repository repository =
        open_tiny_repository(backend, init_tiny_repository(backend, random, clock));
    ChunkStore known{repository};

    void index(unsigned id, unsigned pack) {
        IndexWriter writer(repository, random);
        writer.add({id_of(id), writer.add_pack(some_pack(pack)), 0, 0, 1});
        known.add_segment(writer.commit());
    }
};

}  // namespace

TEST_CASE("claims that the index took over are dropped, others stay") {
    Fixture fixture;
    ChunkClaims claims(fixture.known, [](const content::Digest&) { return true; });
    CHECK_FALSE(claims.is_known(id_of(1), true));
    CHECK_FALSE(claims.is_known(id_of(2), true));
    CHECK_FALSE(claims.is_known(id_of(3), false));
    claims.note_added(std::array{id_of(1)});
    CHECK(claims.held() == 2);
    fixture.index(1, 5);
    claims.drop_indexed(
        std::array{IndexRecord{id_of(1), 0, 0, 0, 1}, IndexRecord{id_of(2), 0, 0, 0, 1}});
    CHECK(claims.held() == 1);
    CHECK(claims.needed_packs().empty());
    CHECK(claims.is_known(id_of(1), true));
    CHECK(claims.needed_packs() == std::vector<content::Digest>{some_pack(5).name});
    CHECK_NOTHROW(claims.check());
    CHECK(claims.is_known(id_of(2), true));
    CHECK(error_code_of([&] {
              claims.check();
              return 0;
          }) == ErrorCode::Incomplete);
    claims.note_added(std::array{id_of(2)});
    CHECK_NOTHROW(claims.check());
}

TEST_CASE("a chunk is known only in a pack that may be used, wherever else it lies") {
    Fixture fixture;
    fixture.index(1, 5);
    ChunkClaims claims(fixture.known,
                       [](const content::Digest& pack) { return pack != some_pack(5).name; });
    CHECK_FALSE(claims.is_known(id_of(1), false));
    fixture.index(1, 6);
    CHECK(claims.is_known(id_of(1), false));
    CHECK(claims.needed_packs() == std::vector<content::Digest>{some_pack(6).name});
}
