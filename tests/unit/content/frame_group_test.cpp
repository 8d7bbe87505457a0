// SPDX-License-Identifier: Apache-2.0
#include "core/content/frame_group.hpp"

#include "core/base/task_group.hpp"
#include "core/content/hash.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/seeded_random.hpp"

#include <functional>

using namespace backup;
using namespace backup::content;
using backup::testing::error_code_of;
using backup::testing::SeededRandom;

namespace {

constexpr std::uint32_t kFrameBytes = 4096;

ChunkId id_of(ByteView bytes) {
    return {sha256(bytes)};
}

Bytes plain_of(const FrameGroup& group) {
    Bytes plain;
    Decompressor decompressor;
    for (const auto& frame : group.frames) {
        Bytes out(frame.plain_bytes);
        if (frame.is_compressed) {
            decompressor.decompress(frame.stored, out);
        } else {
            out = frame.stored;
        }
        append(plain, out);
    }
    return plain;
}

Bytes chunk_of(const FrameGroup& group, const PlacedChunk& chunk) {
    std::size_t begin = chunk.offset;
    for (std::uint32_t frame = 0; frame < chunk.first_frame; ++frame) {
        begin += group.frames[frame].plain_bytes;
    }
    const auto plain = plain_of(group);
    return to_bytes(ByteView(plain).subspan(begin, chunk.length));
}

FrameGroup small_group() {
    FrameGroupBuilder builder(kFrameBytes, 1, true);
    builder.add({}, ChunkKind::Data, Bytes(10'000));
    builder.add({}, ChunkKind::Page, as_bytes("small"));
    return builder.take();
}

/// What a builder makes of a chunk when its encoder has been given other bytes, or its result was
/// changed: a compressor's mistake, or the memory's.
FrameGroup group_of(ByteView chunk,
                    const std::function<Frame(ByteView plain)>& encode,
                    bool verify) {
    FrameGroupBuilder builder(kFrameBytes, encode, verify);
    builder.add({}, ChunkKind::Data, chunk);
    return builder.take();
}

ErrorCode code_after(const std::function<void(FrameGroup&)>& damage) {
    auto group = small_group();
    damage(group);
    return error_code_of([&] {
        check_group(group, kFrameBytes);
        return 0;
    });
}

}  // namespace

TEST_CASE("every chunk of a group can be found in its frames") {
    SeededRandom random;
    FrameGroupBuilder builder(kFrameBytes, 1, true);
    std::vector<Bytes> chunks;
    std::size_t sum = 0;
    for (int i = 0; i < 60; ++i) {
        const auto size = 1 + random.below(random.chance(4) ? 20'000 : 1500);
        chunks.push_back(random.chance(2) ? random.bytes(size) : Bytes(size, std::byte{7}));
        builder.add(id_of(chunks.back()), ChunkKind::Data, chunks.back());
        sum += size;
    }
    CHECK(builder.plain_bytes() == sum);
    const auto group = builder.take();
    CHECK(builder.empty());
    CHECK(builder.plain_bytes() == 0);
    check_group(group, kFrameBytes);
    CHECK(group.plain_bytes() == sum);
    REQUIRE(group.chunks.size() == chunks.size());
    for (std::size_t i = 0; i < chunks.size(); ++i) {
        CHECK(group.chunks[i].id == id_of(chunks[i]));
        CHECK(chunk_of(group, group.chunks[i]) == chunks[i]);
    }
}

TEST_CASE("small chunks share a frame and never cross its end; a long one begins its own") {
    FrameGroupBuilder builder(kFrameBytes, 1, true);
    builder.add({}, ChunkKind::Data, Bytes(3000));
    builder.add({}, ChunkKind::Data, Bytes(1000));
    builder.add({}, ChunkKind::Data, Bytes(200));
    builder.add({}, ChunkKind::Data, Bytes(10'000));
    builder.add({}, ChunkKind::Data, Bytes(100));
    const auto group = builder.take();
    REQUIRE(group.chunks.size() == 5);
    CHECK(group.chunks[1].first_frame == 0);
    CHECK(group.chunks[1].offset == 3000);
    CHECK(group.chunks[2].first_frame == 1);
    CHECK(group.chunks[3].first_frame == 2);
    CHECK(group.chunks[3].offset == 0);
    CHECK(group.chunks[4].first_frame == 4);
    CHECK(group.chunks[4].offset == 10'000 - 2 * kFrameBytes);
    CHECK(group.frames.size() == 5);
}

TEST_CASE("a group from elsewhere is checked") {
    check_group(small_group(), kFrameBytes);
    const auto corrupt = ErrorCode::CorruptData;
    CHECK(code_after([](auto& group) { group.frames[0].plain_bytes = 0; }) == corrupt);
    CHECK(code_after([](auto& group) { group.frames[0].plain_bytes = kFrameBytes + 1; }) ==
          corrupt);
    CHECK(code_after([](auto& group) { group.frames[0].stored.clear(); }) == corrupt);
    CHECK(code_after([](auto& group) { group.frames[0].is_compressed = false; }) == corrupt);
    CHECK(code_after([](auto& group) { group.frames[0].stored.resize(kFrameBytes + 1); }) ==
          corrupt);
    CHECK(code_after([](auto& group) { group.frames.pop_back(); }) == corrupt);
    CHECK(code_after([](auto& group) { group.chunks[0].first_frame = 3; }) == corrupt);
    CHECK(code_after([](auto& group) { group.chunks[1].offset = kFrameBytes; }) == corrupt);
    CHECK(code_after([](auto& group) { group.chunks[1].length = 6; }) == corrupt);
    CHECK(code_after([](auto& group) { group.chunks[0].length = 0; }) == corrupt);
    CHECK(code_after([](auto& group) { group.chunks[0].length = 0xffffffff; }) == corrupt);
    CHECK(code_after([](auto& group) { group.chunks[0].kind = ChunkKind{0}; }) == corrupt);
}

TEST_CASE("an empty chunk is a mistake of the caller") {
    FrameGroupBuilder builder(kFrameBytes, 1, true);
    CHECK(error_code_of([&] {
              builder.add({}, ChunkKind::Data, {});
              return 0;
          }) == ErrorCode::Internal);
}

TEST_CASE("a frame that does not hold what went in does not leave the builder") {
    SeededRandom random;
    const bool is_dense = GENERATE(false, true);
    const auto chunk = is_dense ? random.bytes(3000) : Bytes(3000, std::byte{7});
    const auto encode = make_frame_encoder(1);
    REQUIRE(encode(chunk).is_compressed == !is_dense);
    CHECK(plain_of(group_of(chunk, encode, true)) == chunk);

    const auto encode_other = [&encode](ByteView plain) {
        auto changed = to_bytes(plain);
        changed[changed.size() / 2] ^= std::byte{1};
        return encode(changed);
    };
    CHECK(error_code_of([&] { return group_of(chunk, encode_other, true); }) ==
          ErrorCode::Internal);
    // Without the check nobody notices.
    CHECK(plain_of(group_of(chunk, encode_other, false)) != chunk);
}

TEST_CASE("whatever byte of a frame changes, what leaves the builder decodes to what went in") {
    SeededRandom random;
    const bool is_dense = GENERATE(false, true);
    const auto chunk = is_dense ? random.bytes(200) : Bytes(200, std::byte{7});
    const auto encode = make_frame_encoder(1);
    const auto stored_bytes = encode(chunk).stored.size();
    std::size_t refused = 0;
    for (std::size_t at = 0; at < stored_bytes; ++at) {
        INFO("byte " << at);
        const auto encode_damaged = [&](ByteView plain) {
            auto frame = encode(plain);
            frame.stored[at] ^= std::byte{1};
            return frame;
        };
        FrameGroup group;
        if (failure_of([&] { group = group_of(chunk, encode_damaged, true); })) {
            ++refused;
        } else {
            CHECK(plain_of(group) == chunk);
        }
    }
    // zstd does not look at a few bits.
    CHECK(refused >= stored_bytes - 2);
    const auto encode_short = [&](ByteView plain) {
        auto frame = encode(plain);
        frame.stored.pop_back();
        return frame;
    };
    CHECK(failure_of([&] { group_of(chunk, encode_short, true); }).has_value());
}
