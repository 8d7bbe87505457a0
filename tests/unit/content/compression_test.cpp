// SPDX-License-Identifier: Apache-2.0
#include "core/content/compression.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/seeded_random.hpp"

using namespace backup;
using namespace backup::content;
using backup::testing::error_code_of;
using backup::testing::SeededRandom;

namespace {

Bytes text_of(std::size_t size) {
    Bytes bytes;
    for (std::size_t line = 0; bytes.size() < size; ++line) {
        append(bytes, as_bytes("a line that looks like the one before, number "));
        append(bytes, as_bytes(std::to_string(line)));
    }
    bytes.resize(size);
    return bytes;
}

ErrorCode code_of_decompressing(ByteView stored, std::size_t size) {
    return error_code_of([&] {
        Bytes out(size);
        Decompressor().decompress(stored, out);
        return out;
    });
}

TEST_CASE("content with few different bytes is compressed although nothing in it repeats") {
    // Like base64 or keys: a sample that looks for repetitions only would take it for dense.
    SeededRandom random;
    Bytes plain = random.bytes(128U << 10U);
    for (auto& byte : plain) {
        byte &= std::byte{0x3f};
    }
    Compressor compressor;
    const auto stored = compressor.compress(plain);
    REQUIRE(stored);
    CHECK(stored->size() < plain.size() * 4 / 5);
}

}  // namespace

TEST_CASE("what shrinks comes back as it was") {
    Compressor compressor;
    Decompressor decompressor;
    for (const std::size_t size :
         {std::size_t{512}, std::size_t{4096}, std::size_t{128} << 10U, std::size_t{1} << 20U}) {
        const auto plain = text_of(size);
        const auto stored = compressor.compress(plain);
        REQUIRE(stored);
        CHECK(stored->size() <= size - size / 20);
        Bytes out(size);
        decompressor.decompress(*stored, out);
        CHECK(out == plain);
    }
}

TEST_CASE("dense or tiny content stays raw") {
    SeededRandom random;
    Compressor compressor;
    CHECK_FALSE(compressor.compress(random.bytes(128U << 10U)));
    CHECK_FALSE(compressor.compress(random.bytes(1000)));
    CHECK_FALSE(compressor.compress(as_bytes("x")));
    CHECK_FALSE(compressor.compress({}));
}

TEST_CASE("a dense beginning does not hide what shrinks behind it") {
    SeededRandom random;
    auto plain = random.bytes(64U << 10U);
    append(plain, text_of(64U << 10U));
    CHECK(Compressor().compress(plain));
}

TEST_CASE("damaged frames are refused, never more than the room is written") {
    const auto plain = text_of(10'000);
    const auto stored = *Compressor().compress(plain);
    CHECK(code_of_decompressing(stored, plain.size() - 1) == ErrorCode::CorruptData);
    CHECK(code_of_decompressing(stored, plain.size() + 1) == ErrorCode::CorruptData);
    CHECK(code_of_decompressing(ByteView(stored).first(stored.size() - 1), plain.size()) ==
          ErrorCode::CorruptData);
    CHECK(code_of_decompressing({}, plain.size()) == ErrorCode::CorruptData);
    auto longer = stored;
    longer.push_back(std::byte{0});
    CHECK(code_of_decompressing(longer, plain.size()) == ErrorCode::CorruptData);
}

TEST_CASE("a whole frame of any size, read with a limit") {
    const auto plain = text_of(3'000'000);
    const auto stored = compress_whole(plain);
    CHECK(decompress_whole(stored, plain.size()) == plain);
    CHECK(error_code_of([&] { return decompress_whole(stored, plain.size() - 1); }) ==
          ErrorCode::CorruptData);
    CHECK(error_code_of([&] { return decompress_whole(as_bytes("no frame"), 100); }) ==
          ErrorCode::CorruptData);
    CHECK(decompress_whole(compress_whole({}), 0).empty());
}
