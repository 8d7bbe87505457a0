// SPDX-License-Identifier: Apache-2.0
#include "core/base/text.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/random_json.hpp"

using namespace backup;

TEST_CASE("split keeps empty parts, join is its reverse") {
    CHECK(split("a,,b", ',') == std::vector<std::string>{"a", "", "b"});
    CHECK(split("", ',') == std::vector<std::string>{""});
    CHECK(split(",", ',') == std::vector<std::string>{"", ""});
    for (const auto* text : {"", ",", "a", "a,b", ",a,,b,"}) {
        CHECK(join(split(text, ','), ",") == text);
    }
    CHECK(join({}, ", ").empty());
}

TEST_CASE("trim takes white space off both ends only") {
    CHECK(trim(" \t a b\r\n") == "a b");
    CHECK(trim(" \n ").empty());
    CHECK(trim("").empty());
}

TEST_CASE("lower case leaves everything but ASCII letters alone") {
    CHECK(to_lower("Az\xc3\x89[") == "az\xc3\x89[");
}

TEST_CASE("empty lines are not indented") {
    CHECK(indent("a\n\nb\n", "  ") == "  a\n\n  b\n");
    CHECK(indent("", "  ").empty());
}

TEST_CASE("nothing hidden reaches a terminal") {
    CHECK(printable("plain \xc3\xa9 \xf0\x9f\x98\x80") == "plain \xc3\xa9 \xf0\x9f\x98\x80");
    CHECK(printable("\x1b[2J\n\r\t\x7f") == "\\x1b[2J\\n\\r\\t\\x7f");
    CHECK(printable(std::string_view("\0", 1)) == "\\x00");
    CHECK(printable("\xff\xc3") == "\\xff\\xc3");
    CHECK(printable("\xc2\x9b") == "\\u009b");
    CHECK(printable("a\xe2\x80\xae"
                    "b") == "a\\u202eb");
}

TEST_CASE("printable text stays as it is") {
    backup::testing::SeededRandom random;
    for (int i = 0; i < 500; ++i) {
        const auto once = printable(backup::testing::random_text(random));
        CHECK(printable(once) == once);
        CHECK(is_utf8(once));
    }
}

TEST_CASE("UTF-8 is told from other bytes") {
    CHECK(is_utf8(""));
    CHECK(is_utf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
    CHECK_FALSE(is_utf8("\x80"));
    CHECK_FALSE(is_utf8("\xc3"));
}

TEST_CASE("globs match as in a shell") {
    CHECK(matches_glob("*", ""));
    CHECK(matches_glob("", ""));
    CHECK_FALSE(matches_glob("", "a"));
    CHECK(matches_glob("shop-*", "shop-"));
    CHECK(matches_glob("shop-*", "shop-eu-1"));
    CHECK_FALSE(matches_glob("shop-*", "workshop-1"));
    CHECK(matches_glob("*-1", "a-1-1"));
    CHECK(matches_glob("a*b*c", "aXbXbXc"));
    CHECK_FALSE(matches_glob("a*b*c", "aXcXb"));
    CHECK(matches_glob("a?c", "abc"));
    CHECK_FALSE(matches_glob("a?c", "ac"));
    CHECK(matches_glob("[abc]x", "bx"));
    CHECK(matches_glob("[a-c]x", "bx"));
    CHECK_FALSE(matches_glob("[a-c]x", "dx"));
    CHECK(matches_glob("[!a-c]x", "dx"));
    CHECK_FALSE(matches_glob("[!a-c]x", "ax"));
    CHECK(matches_glob("[]x]", "]"));
    CHECK(matches_glob("[a-]", "-"));
    CHECK(matches_glob("[a", "[a"));
    CHECK(matches_glob("\\*", "*"));
    CHECK_FALSE(matches_glob("\\*", "x"));
    CHECK(matches_glob("a\\", "a\\"));
}

TEST_CASE("a hostile glob costs no exponential time") {
    std::string pattern;
    for (int i = 0; i < 200; ++i) {
        pattern += "a*";
    }
    CHECK_FALSE(matches_glob(pattern + "b", std::string(5000, 'a')));
}
