// SPDX-License-Identifier: Apache-2.0
#include "core/base/bytes.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/seeded_random.hpp"

using namespace backup;
using backup::testing::error_code_of;
using backup::testing::SeededRandom;

TEST_CASE("hexadecimal text is read and written") {
    CHECK(to_hex(as_bytes("\x01\xab\xff")) == "01abff");
    CHECK(as_text(from_hex("6869")) == "hi");
    CHECK(from_hex("AB") == from_hex("ab"));
    CHECK(from_hex("").empty());
}

TEST_CASE("what is not hexadecimal is refused") {
    for (const auto* text : {"a", "0g", "0x", " 0", "zz"}) {
        INFO(text);
        CHECK(error_code_of([&] { return from_hex(text); }) == ErrorCode::InvalidArgument);
    }
}

// RFC 4648 section 10
TEST_CASE("base64 agrees with the vectors of the RFC") {
    const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, encoded] : vectors) {
        CHECK(to_base64(as_bytes(plain)) == encoded);
        CHECK(as_text(from_base64(encoded)) == plain);
    }
}

TEST_CASE("base64 skips white space, as kubeconfig files have it") {
    CHECK(as_text(from_base64("Zm9v\n YmFy\r\n")) == "foobar");
}

TEST_CASE("what is not base64 is refused") {
    for (const auto* text : {"Z", "Zg=", "Zg===", "Zg==Zg==", "Z!==", "====", "Zm9v="}) {
        INFO(text);
        CHECK(error_code_of([&] { return from_base64(text); }) == ErrorCode::InvalidArgument);
    }
}

TEST_CASE("random bytes survive hexadecimal and base64") {
    SeededRandom random;
    for (std::size_t size = 0; size < 70; ++size) {
        const auto bytes = random.bytes(size);
        CHECK(from_hex(to_hex(bytes)) == bytes);
        CHECK(from_base64(to_base64(bytes)) == bytes);
    }
}

TEST_CASE("numbers are stored with the low byte first") {
    ByteWriter writer;
    writer.number(std::uint32_t{0x01020304});
    writer.number(std::uint8_t{0xff});
    writer.number(std::uint16_t{0x1234});
    CHECK(to_hex(writer.view()) == "04030201ff3412");
}

TEST_CASE("a reader gives back what a writer took") {
    ByteWriter writer;
    writer.number(std::uint64_t{0x1122334455667788});
    writer.sized("name");
    writer.bytes(as_bytes("xy"));
    const auto bytes = writer.take();

    ByteReader reader(bytes, "record");
    CHECK(reader.number<std::uint64_t>() == 0x1122334455667788);
    CHECK(reader.sized_text() == "name");
    CHECK(as_text(reader.bytes(2)) == "xy");
    CHECK(reader.remaining() == 0);
    reader.expect_end();
}

TEST_CASE("a reader refuses to read behind the end") {
    const auto bytes = from_hex("ffffffff41");
    ByteReader lying_length(bytes, "page");
    CHECK(error_code_of([&] { return lying_length.sized(); }) == ErrorCode::CorruptData);
    ByteReader too_short(bytes, "page");
    CHECK(error_code_of([&] { return too_short.number<std::uint64_t>(); }) ==
          ErrorCode::CorruptData);
    ByteReader left_over(bytes, "page");
    CHECK(error_code_of([&] {
              left_over.expect_end();
              return 0;
          }) == ErrorCode::CorruptData);
}
