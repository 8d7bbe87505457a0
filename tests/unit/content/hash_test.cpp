// SPDX-License-Identifier: Apache-2.0
#include "core/content/hash.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/seeded_random.hpp"

using namespace backup;
using namespace backup::content;
using backup::testing::SeededRandom;

// FIPS 180-4 examples and RFC 4231 test cases 2 and 6.
TEST_CASE("known answers") {
    CHECK(to_hex(sha256(as_bytes("abc"))) ==
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(to_hex(sha256({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(to_hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))) ==
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    CHECK(to_hex(hmac_sha256(Bytes(131, std::byte{0xaa}),
                             as_bytes("Test Using Larger Than Block-Size Key - Hash Key First"))) ==
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("SHA-256 of pieces is that of the whole") {
    SeededRandom random;
    const auto bytes = random.bytes(10'000);
    Sha256 hash;
    ByteView rest = bytes;
    while (!rest.empty()) {
        const auto piece = std::min<std::size_t>(rest.size(), 1 + random.below(700));
        hash.update(rest.first(piece));
        rest = rest.subspan(piece);
    }
    CHECK(hash.finish() == sha256(bytes));
}

TEST_CASE("a chunk id is the keyed hash of kind and bytes, every time") {
    SeededRandom random;
    SecretKey key{};
    random.fill(key);
    ChunkHasher hasher(key);
    for (int i = 0; i < 20; ++i) {
        const auto bytes = random.bytes(random.below(300));
        Bytes input{static_cast<std::byte>('T')};
        append(input, bytes);
        const auto id = hasher(ChunkKind::Page, bytes);
        CHECK(id.bytes == hmac_sha256(key, input));
        CHECK(hasher(ChunkKind::Data, bytes) != id);
        const auto cut = random.below(bytes.size() + 1);
        const ByteChain pieces{{ByteView(bytes).first(cut), nullptr},
                               {ByteView(bytes).subspan(cut), nullptr}};
        CHECK(hasher(ChunkKind::Page, pieces) == id);
        CHECK(id.hex().starts_with(id.short_id().hex()));
    }
}
