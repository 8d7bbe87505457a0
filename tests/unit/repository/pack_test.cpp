// SPDX-License-Identifier: Apache-2.0
#include "core/repository/blob_name.hpp"
#include "core/repository/pack_reader.hpp"
#include "core/repository/pack_writer.hpp"
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
    Bytes plain;

    IndexedPack write_pack(BlobKind kind = BlobKind::DataPack) {
        PackWriter writer(repository, kind, random);
        content::FrameGroupBuilder builder(4096, 1, true);
        for (int group = 0; group < 3; ++group) {
            for (int chunk = 0; chunk < 4; ++chunk) {
                const auto size = 1 + random.below(9000);
                const auto bytes = chunk % 2 == 0 ? random.bytes(size) : Bytes(size, std::byte{3});
                content::ChunkId id;
                random.fill(id.bytes);
                builder.add(id, content::ChunkKind::Data, bytes);
                append(plain, bytes);
            }
            const auto built = builder.take();
            CHECK(writer.has_room_for(built));
            writer.add(built);
        }
        writer.finish();
        CHECK_FALSE(backend.exists(pack_name(writer.pack().name)));
        writer.commit();
        return writer.pack();
    }

    void replace(const IndexedPack& pack, ByteView bytes) {
        backend.remove(pack_name(pack.name));
        backend.put(pack_name(pack.name), bytes);
    }

    Bytes read_all(const IndexedPack& pack) const {
        const PackReader reader(repository, pack);
        DecodeState state;
        Bytes out;
        for (std::uint32_t frame = 0; frame < reader.frame_count(); ++frame) {
            Bytes bytes(reader.frame(frame).plain_bytes);
            reader.read(frame, 1, bytes, state);
            append(out, bytes);
        }
        reader.read_chunk_table();
        return out;
    }
};

}  // namespace

TEST_CASE("a pack is named by its hash and gives its frames back") {
    Fixture fixture;
    const auto pack = fixture.write_pack();
    const auto blob = fixture.backend.get(pack_name(pack.name));
    CHECK(content::sha256(blob) == pack.name);
    CHECK(blob.size() == pack.size);
    CHECK(fixture.read_all(pack) == fixture.plain);

    const PackReader reader(fixture.repository, pack);
    DecodeState state;
    Bytes all(fixture.plain.size());
    const auto fetched = reader.read(0, reader.frame_count(), all, state);
    CHECK(all == fixture.plain);
    CHECK(fetched < pack.size);
    CHECK(reader.read_chunk_table().size() == 12);
    CHECK(error_code_of([&] { return reader.frame(reader.frame_count()); }) ==
          ErrorCode::CorruptData);
}

TEST_CASE("every changed byte of a pack is noticed when it is read") {
    Fixture fixture;
    const auto pack = fixture.write_pack();
    const auto blob = fixture.backend.get(pack_name(pack.name));
    for (std::size_t i = 0; i < blob.size(); i += i < 96 || i + 1000 > blob.size() ? 1U : 61U) {
        auto damaged = blob;
        damaged[i] ^= std::byte{0x20};
        fixture.replace(pack, damaged);
        const auto error = error_of([&] { return fixture.read_all(pack); });
        CHECK((error.code() == ErrorCode::CorruptData || error.code() == ErrorCode::UnknownFormat));
        CHECK_THAT(error.what(), contains(to_hex(pack.name)));
    }
}

TEST_CASE("another genuine pack in the place of one is noticed") {
    Fixture fixture;
    const auto pack = fixture.write_pack();
    const auto other = fixture.write_pack();
    fixture.replace(pack, fixture.backend.get(pack_name(other.name)));
    auto claimed = other;
    claimed.name = pack.name;
    claimed.salt = pack.salt;
    CHECK_THAT(error_of([&] { return fixture.read_all(claimed); }).message(),
               contains("not the pack the index means"));
}

TEST_CASE("missing and short packs are damage") {
    Fixture fixture;
    const auto pack = fixture.write_pack(BlobKind::MetadataPack);
    const auto blob = fixture.backend.get(pack_name(pack.name));
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{95}, std::size_t{500}, blob.size() - 1}) {
        fixture.replace(pack, ByteView(blob).first(size));
        CHECK(error_code_of([&] { return fixture.read_all(pack); }) == ErrorCode::CorruptData);
    }
    fixture.backend.remove(pack_name(pack.name));
    CHECK(error_code_of([&] { return fixture.read_all(pack); }) == ErrorCode::CorruptData);
}

TEST_CASE("tables of a pack are checked field by field") {
    const auto corrupt = ErrorCode::CorruptData;
    const std::vector<PackFrame> frames{{196, 84, false}, {300, 4096, true}};
    CHECK(decode_frame_table(encode_frame_table(frames), 300, "pack") == frames);
    const auto frames_code = [](std::vector<PackFrame> wrong) {
        return error_code_of(
            [&] { return decode_frame_table(encode_frame_table(wrong), 300, "pack"); });
    };
    CHECK(frames_code({{196, 85, false}, {300, 4096, true}}) == corrupt);
    CHECK(frames_code({{196, 84, false}, {196, 4096, true}}) == corrupt);
    CHECK(frames_code({{196, 84, false}, {301, 4096, true}}) == corrupt);
    CHECK(frames_code({{196, 84, false}, {299, 4096, true}}) == corrupt);
    CHECK(frames_code({{196, 84, false}, {300, (1U << 20U) + 1, true}}) == corrupt);
    CHECK(frames_code({{196, 84, false}, {300, 0, true}}) == corrupt);
    CHECK(frames_code({{96, 1, false}, {300, 4096, true}}) == corrupt);
    CHECK(error_code_of([&] { return decode_frame_table(Bytes(7), 300, "pack"); }) == corrupt);

    const auto chunks_code = [&frames](
                                 std::uint32_t frame, std::uint32_t offset, std::uint32_t length) {
        const std::vector<PackChunk> chunks{{{}, content::ChunkKind::Data, frame, offset, length}};
        return error_code_of([&] {
            decode_chunk_table(encode_chunk_table(chunks), frames, "pack");
            throw Error(ErrorCode::Internal, "it was taken");
            return 0;
        });
    };
    CHECK(chunks_code(0, 0, 84 + 4096) == ErrorCode::Internal);
    CHECK(chunks_code(0, 0, 84 + 4097) == corrupt);
    CHECK(chunks_code(0, 84, 1) == corrupt);
    CHECK(chunks_code(1, 4095, 1) == ErrorCode::Internal);
    CHECK(chunks_code(1, 4095, 2) == corrupt);
    CHECK(chunks_code(2, 0, 1) == corrupt);
    CHECK(chunks_code(0xffffffff, 0xffffffff, 0xffffffff) == corrupt);
    CHECK(chunks_code(0, 0, 0) == corrupt);
}
