// SPDX-License-Identifier: Apache-2.0
#include "core/net/websocket_frame.hpp"

#include "core/base/random.hpp"
#include "core/net/sha1.hpp"
#include "core/net/websocket.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

using namespace backup;
using namespace backup::net;
using testing::error_code_of;

namespace {

std::optional<Message> decode_hex(FrameDecoder& decoder, std::string_view hex) {
    const auto bytes = from_hex(hex);
    ByteView view = bytes;
    return decoder.decode(view);
}

}  // namespace

TEST_CASE("SHA-1 of the examples in RFC 3174") {
    CHECK(to_hex(sha1(as_bytes("abc"))) == "a9993e364706816aba3e25717850c26c9cd0d89d");
    CHECK(to_hex(sha1({})) == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    CHECK(to_hex(sha1(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))) ==
          "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
}

TEST_CASE("the accept value of the example in RFC 6455 1.3") {
    CHECK(websocket_accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("a masked frame as in RFC 6455 5.7") {
    const MaskKey key{std::byte{0x37}, std::byte{0xfa}, std::byte{0x21}, std::byte{0x3d}};
    CHECK(to_hex(encode_client_frame(Opcode::Text, as_bytes("Hello"), {}, key)) ==
          "818537fa213d7f9f4d5158");
    CHECK(to_hex(encode_client_frame(Opcode::Text, as_bytes("Hel"), as_bytes("lo"), key)) ==
          "818537fa213d7f9f4d5158");
}

TEST_CASE("the three forms of the length") {
    const MaskKey none{};
    const auto head_of = [&](std::size_t size) {
        const auto frame = encode_client_frame(Opcode::Binary, {}, Bytes(size), none);
        const std::size_t head = size < 126 ? 2 : size < 65536 ? 4 : 10;
        CHECK(frame.size() == head + 4 + size);
        return to_hex(ByteView(frame).first(head));
    };
    CHECK(head_of(125) == "82fd");
    CHECK(head_of(126) == "82fe007e");
    CHECK(head_of(65535) == "82feffff");
    CHECK(head_of(65536) == "82ff0000000000010000");
}

TEST_CASE("masking is the same at every offset") {
    SystemRandom random;
    const auto payload = random.bytes(1000);
    const auto key = make_mask_key(random);
    for (std::size_t cut = 0; cut < 12; ++cut) {
        const auto whole = encode_client_frame(Opcode::Binary, {}, payload, key);
        const auto parts = encode_client_frame(
            Opcode::Binary, ByteView(payload).first(cut), ByteView(payload).subspan(cut), key);
        CHECK(whole == parts);
        CHECK((whole[8 + cut] ^ key[cut % 4]) == payload[cut]);
    }
}

TEST_CASE("a message is whole however it arrives") {
    const auto bytes = from_hex("82050102030405");
    FrameDecoder decoder;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        ByteView one = ByteView(bytes).subspan(i, 1);
        const auto message = decoder.decode(one);
        CHECK(message.has_value() == (i + 1 == bytes.size()));
        if (message) {
            CHECK(message->opcode == Opcode::Binary);
            CHECK(to_hex(message->payload) == "0102030405");
        }
    }
}

TEST_CASE("fragments are joined, a ping between them comes first") {
    FrameDecoder decoder;
    const auto bytes = from_hex(
        "020101"
        "890170"
        "800102");
    ByteView view = bytes;
    const auto ping = decoder.decode(view);
    REQUIRE(ping);
    CHECK(ping->opcode == Opcode::Ping);
    CHECK(to_hex(ping->payload) == "70");
    const auto joined = decoder.decode(view);
    REQUIRE(joined);
    CHECK(joined->opcode == Opcode::Binary);
    CHECK(to_hex(joined->payload) == "0102");
    CHECK_FALSE(decoder.decode(view));
}

TEST_CASE("an empty message is a message") {
    FrameDecoder decoder;
    const auto message = decode_hex(decoder, "8200");
    REQUIRE(message);
    CHECK(message->payload.empty());
}

TEST_CASE("what a server may not send") {
    const auto hex = GENERATE(as<std::string>{},
                              "c200",                   // reserved bit
                              "828001020304",           // masked
                              "8300",                   // unknown opcode
                              "8000",                   // continuation of nothing
                              "02010182",               // see below: a second beginning
                              "0900",                   // fragmented ping
                              "89fe",                   // masked, long ping
                              "897e007e",               // ping over 125 bytes
                              "827fffffffffffffffff",   // enormous
                              "827f0000000002000001");  // over 32 MiB
    CAPTURE(hex);
    FrameDecoder decoder;
    CHECK(error_code_of([&] {
              decode_hex(decoder, hex == "02010182" ? "020101" : hex);
              return decode_hex(decoder, "8200");
          }) == ErrorCode::CorruptData);
}

TEST_CASE("fragments together have the same limit") {
    FrameDecoder decoder(4);
    CHECK_FALSE(decode_hex(decoder, "0203010203"));
    CHECK(error_code_of([&] { return decode_hex(decoder, "80020102"); }) == ErrorCode::CorruptData);
}
