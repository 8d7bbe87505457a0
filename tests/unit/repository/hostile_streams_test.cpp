// SPDX-License-Identifier: Apache-2.0
// Lists of a point that say more than is there.
#include "core/content/frame_group.hpp"
#include "core/repository/pack_pipeline.hpp"
#include "core/repository/page_cache.hpp"
#include "core/repository/point_store.hpp"
#include "core/repository/tree_reader.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/test_repository.hpp"

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
    ChunkStore chunks{repository};
    PointRecord record;

    /// Stores each as a chunk of its own.
    Stream store(const std::vector<Bytes>& pieces) {
        Stream stream;
        Writer writer(repository, chunks, random, clock);
        for (const auto& bytes : pieces) {
            stream.emplace_back(writer.add_chunk(content::ChunkKind::Metadata, bytes),
                                static_cast<std::uint32_t>(bytes.size()));
        }
        writer.commit(PointRecord{});
        chunks.refresh();
        return stream;
    }

    /// One chunk under the name of another.
    Stream store_under_wrong_name(const Bytes& bytes) {
        content::ChunkHasher hasher(repository.keys().chunk_id);
        const auto lie = hasher(content::ChunkKind::Metadata, random.bytes(100));
        content::FrameGroupBuilder builder(4096, 1, true);
        builder.add(lie, content::ChunkKind::Metadata, bytes);
        PackPipeline pipeline(repository, random);
        pipeline.add(builder.take(), BlobKind::MetadataPack);
        pipeline.drain();
        pipeline.write_index();
        chunks.refresh();
        return {{lie, static_cast<std::uint32_t>(bytes.size())}};
    }

    ErrorCode refusal_of_pages() {
        return error_code_of([this] { return TreeReader::open(chunks, record) != nullptr; });
    }

    Error refusal_of_ledger() {
        return error_of([this] { return read_ledger(chunks, record); });
    }

    ErrorCode refusal_of_packs() {
        return error_code_of([this] { return read_pack_list(chunks, record); });
    }
};

/// Names of 32 bytes, one for each letter.
Bytes names(std::string_view letters) {
    Bytes bytes;
    for (const char letter : letters) {
        bytes.insert(bytes.end(), 32, static_cast<std::byte>(letter));
    }
    return bytes;
}

}  // namespace

TEST_CASE("a chunk of zeros does not stand for a list of pages, however often it is named") {
    Fixture fixture;
    const auto zeros = fixture.store({Bytes(16'384)});
    for (int i = 0; i < 60'000; ++i) {
        fixture.record.pages.push_back(zeros[0]);
    }
    CHECK(fixture.refusal_of_pages() == ErrorCode::CorruptData);
    CHECK(fixture.chunks.counters().frames_decoded + fixture.chunks.counters().frame_cache_hits <
          50);
}

TEST_CASE("a list of pages that names a chunk twice is refused") {
    Fixture fixture;
    const auto stream = fixture.store({fixture.random.bytes(1600), fixture.random.bytes(1600)});
    fixture.record.pages = {stream[0], stream[1]};
    CHECK(TreeReader::open(fixture.chunks, fixture.record) != nullptr);
    fixture.record.pages.push_back(stream[0]);
    CHECK(fixture.refusal_of_pages() == ErrorCode::CorruptData);
    fixture.record.pages = {{stream[0].first, 1599}};
    CHECK(fixture.refusal_of_pages() == ErrorCode::CorruptData);
}

TEST_CASE("a chunk that is longer by the record than by the index is refused before it is read") {
    Fixture fixture;
    const auto stream = fixture.store({fixture.random.bytes(1600)});
    fixture.record.pages = {{stream[0].first, 64U << 20U}};
    const auto before = fixture.chunks.counters().frames_decoded;
    CHECK(fixture.refusal_of_pages() == ErrorCode::CorruptData);
    CHECK(fixture.chunks.counters().frames_decoded == before);
    content::ChunkId missing;
    missing.bytes.fill(std::byte{1});
    fixture.record.pages = {{missing, 1U << 20U}};
    CHECK(fixture.refusal_of_pages() == ErrorCode::CorruptData);
}

TEST_CASE("a list of packs is in order and names none twice") {
    Fixture fixture;
    const auto stream =
        fixture.store({names("abd"), names("c"), names("e"), names("dc"), Bytes(5)});
    fixture.record.packs = {stream[0], stream[2]};
    const auto list = read_pack_list(fixture.chunks, fixture.record);
    REQUIRE(list.size() == 4);
    CHECK(list[3][0] == std::byte{'e'});
    fixture.record.packs = {stream[0], stream[1]};
    CHECK(fixture.refusal_of_packs() == ErrorCode::CorruptData);
    fixture.record.packs = {stream[2], stream[2]};
    CHECK(fixture.refusal_of_packs() == ErrorCode::CorruptData);
    fixture.record.packs = {stream[3]};
    CHECK(fixture.refusal_of_packs() == ErrorCode::CorruptData);
    fixture.record.packs = {stream[0], stream[4]};
    CHECK(fixture.refusal_of_packs() == ErrorCode::CorruptData);
    fixture.record.packs = {};
    CHECK(read_pack_list(fixture.chunks, fixture.record).empty());
}

TEST_CASE("a ledger of a few chunks does not become millions of values or endless text") {
    Fixture fixture;
    std::string zeros;
    while (zeros.size() < 16'000) {
        zeros += "0,";
    }
    const auto stream = fixture.store({to_bytes(as_bytes(R"({"version":1,"lists":[)")),
                                       to_bytes(as_bytes(zeros)),
                                       Bytes(16'000, std::byte{' '}),
                                       to_bytes(as_bytes("0]}"))});
    fixture.record.ledger = {stream[0], stream[1], stream[3]};
    CHECK_THAT(fixture.refusal_of_ledger().what(), contains("ledger"));
    fixture.record.ledger.insert(fixture.record.ledger.begin() + 1, 300, stream[1]);
    auto error = fixture.refusal_of_ledger();
    CHECK(error.code() == ErrorCode::CorruptData);
    CHECK_THAT(error.what(), contains("values"));
    fixture.record.ledger.assign(4200, stream[2]);
    error = fixture.refusal_of_ledger();
    CHECK(error.code() == ErrorCode::CorruptData);
    CHECK_THAT(error.what(), contains("more than 67108864 bytes"));
}

TEST_CASE("a list whose chunk was written under a wrong name is refused") {
    Fixture fixture;
    const std::string_view ledger = R"({"version":1,"lists":[],"volumes":[]})";
    fixture.record.pages = fixture.store_under_wrong_name(fixture.random.bytes(1600));
    fixture.record.packs = fixture.store_under_wrong_name(names("abd"));
    fixture.record.ledger = fixture.store_under_wrong_name(to_bytes(as_bytes(ledger)));
    CHECK(fixture.refusal_of_pages() == ErrorCode::CorruptData);
    CHECK(fixture.refusal_of_packs() == ErrorCode::CorruptData);
    const auto error = fixture.refusal_of_ledger();
    CHECK(error.code() == ErrorCode::CorruptData);
    CHECK_THAT(error.what(), contains("other bytes than its name says"));
}

TEST_CASE("a list whose chunk has only the first half of its name is refused") {
    Fixture fixture;
    fixture.record.packs = fixture.store({names("abd")});
    CHECK(read_pack_list(fixture.chunks, fixture.record).size() == 3);
    fixture.record.packs[0].first.bytes.back() ^= std::byte{1};
    CHECK(fixture.refusal_of_packs() == ErrorCode::CorruptData);
}

TEST_CASE("a point whose record no reader would take is not written") {
    Fixture fixture;
    for (int i = 0; i < 1'100'000; ++i) {
        fixture.record.point.namespaces.emplace_back("a");
        fixture.record.point.namespaces.emplace_back("b");
    }
    CHECK(error_code_of([&] {
              return encode_point(fixture.repository, fixture.record, fixture.random);
          }) == ErrorCode::Internal);
}
