// SPDX-License-Identifier: Apache-2.0
#include "core/base/utf8.hpp"

#include "tests/support/catch.hpp"

using namespace backup;

TEST_CASE("one character is taken off the front") {
    CHECK(decode_utf8("ab")->character == 'a');
    CHECK(decode_utf8("\xc3\xa9x")->character == 0xe9);
    CHECK(decode_utf8("\xc3\xa9x")->length == 2);
    CHECK(decode_utf8("\xe2\x82\xac")->character == 0x20ac);
    CHECK(decode_utf8("\xf4\x8f\xbf\xbf")->character == 0x10ffff);
    CHECK(decode_utf8("\xf0\x9f\x98\x80")->length == 4);
    CHECK_FALSE(decode_utf8(""));
}

// RFC 3629 section 3 and 10
TEST_CASE("malformed sequences are refused") {
    for (const auto* text : {"\x80",
                             "\xbf",
                             "\xc0\x80",
                             "\xc1\xbf",
                             "\xc3",
                             "\xc3\x28",
                             "\xe0\x80\x80",
                             "\xe0\x9f\xbf",
                             "\xe2\x82",
                             "\xed\xa0\x80",
                             "\xed\xbf\xbf",
                             "\xf0\x80\x80\x80",
                             "\xf0\x8f\xbf\xbf",
                             "\xf4\x90\x80\x80",
                             "\xf5\x80\x80\x80",
                             "\xff"}) {
        CHECK_FALSE(decode_utf8(text));
    }
}

TEST_CASE("each bad byte is replaced, the rest stays") {
    CHECK(replace_invalid_utf8("a\xff\xc3(\xc3\xa9") == "a\xef\xbf\xbd\xef\xbf\xbd(\xc3\xa9");
    CHECK(replace_invalid_utf8("").empty());
}
