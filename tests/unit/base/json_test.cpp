// SPDX-License-Identifier: Apache-2.0
#include "core/base/json.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/random_json.hpp"

#include <limits>

using namespace backup;
using backup::testing::contains;
using backup::testing::error_code_of;
using backup::testing::error_of;

namespace {

std::string round_trip(std::string_view text) {
    return format_json(parse_json(text));
}

std::string nested(std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
}

}  // namespace

TEST_CASE("a document keeps its order and the text of its numbers") {
    for (const auto* text : {R"({"z":1,"a":[true,false,null],"m":{"b":"x","a":"y"}})",
                             R"([0,-0,1.0,1e3,1E+3,-1.5e-7,0.10])",
                             R"([18446744073709551615,18446744073709551616,-9223372036854775808])",
                             R"([123456789012345678901234567890,-9223372036854775809])",
                             R"({"":{},"e":[]})",
                             R"("tab\t quote\" back\\ bell\u0007 nul\u0000")"}) {
        CHECK(round_trip(text) == text);
    }
}

TEST_CASE("escapes and white space are read as RFC 8259 says") {
    CHECK(parse_json(R"("\u0041\u00e9\ud83d\ude00\/\b\f")").string() ==
          "A\xc3\xa9\xf0\x9f\x98\x80/\b\f");
    CHECK(round_trip(" {\n\t\"a\" : [ 1 , 2 ]\r}\n") == R"({"a":[1,2]})");
}

TEST_CASE("the last of equal names wins") {
    CHECK(round_trip(R"({"a":1,"b":2,"a":3})") == R"({"b":2,"a":3})");
    CHECK(round_trip(R"({"a":{"x":1},"a":[],"a":null})") == R"({"a":null})");
}

TEST_CASE("what is not JSON is refused with its place") {
    for (const auto* text : {"",
                             "{",
                             "[1,]",
                             "{\"a\":1,}",
                             "{a:1}",
                             "'a'",
                             "01",
                             "1.",
                             ".5",
                             "+1",
                             "NaN",
                             "nul",
                             "{} {}",
                             "// x\n1",
                             "\"\x01\"",
                             "\"\\x41\"",
                             "\"\\ud800\"",
                             "1e999"}) {
        INFO(text);
        const auto error = error_of([&] { return parse_json(text); });
        CHECK(error.code() == ErrorCode::InvalidArgument);
        CHECK_THAT(error.what(), contains("at byte "));
    }
    CHECK_THAT(error_of([] { return parse_json("[1 2]"); }).what(), contains("at byte 4"));
}

TEST_CASE("an error does not tell what the document holds") {
    const auto error = error_of([] { return parse_json(R"({"password":"hunter2" oops})"); });
    CHECK(std::string_view(error.what()).find("hunter2") == std::string_view::npos);
    const auto number = error_of([] { return parse_json("[98765432100e98765]"); });
    CHECK(std::string_view(number.what()).find("98765") == std::string_view::npos);
}

TEST_CASE("text that is not UTF-8 is refused") {
    for (const auto* text :
         {"\"\xff\"", "\"\xc3(\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf5\x80\x80\x80\""}) {
        CHECK(error_code_of([&] { return parse_json(text); }) == ErrorCode::InvalidArgument);
    }
}

TEST_CASE("nesting has a limit") {
    CHECK(parse_json(nested(512)).is_array());
    CHECK(error_code_of([] { return parse_json(nested(513)); }) == ErrorCode::InvalidArgument);
    CHECK(parse_json(nested(3), {.depth = 3}).is_array());
    CHECK(error_code_of([] { return parse_json(nested(4), {.depth = 3}); }) ==
          ErrorCode::InvalidArgument);
    // Refused before it is held in memory, and without a stack as deep as the text.
    CHECK(error_code_of([] { return parse_json(std::string(1'000'000, '[')); }) ==
          ErrorCode::InvalidArgument);
}

TEST_CASE("the number of values has a limit") {
    constexpr std::string_view six = R"([1,{"a":[],"b":null},"x"])";
    CHECK(count_values(parse_json(six)) == 6);
    CHECK(count_values(parse_json("7")) == 1);
    CHECK(parse_json(six, {.values = 6}).is_array());
    const auto error = error_of([&] { return parse_json(six, {.values = 5}); });
    CHECK(error.code() == ErrorCode::InvalidArgument);
    CHECK_THAT(error.what(), contains("more than 5 values"));
    CHECK_FALSE(find_json(six, {.values = 5}));
    CHECK(error_code_of([] { return parse_json(R"({"":0,"":0,"":0})", {.values = 3}); }) ==
          ErrorCode::InvalidArgument);
}

TEST_CASE("a short text does not take much more memory than a large object would") {
    std::string text = "[0";
    for (int i = 0; i < 3'000'000; ++i) {
        text += ",0";
    }
    CHECK(error_code_of([&] { return parse_json(text + "]"); }) == ErrorCode::InvalidArgument);
    // Three MiB is what an API server takes, and this is as many values as fit in it.
    text.resize(3U << 20U);
    text.back() = text[text.size() - 2] == ',' ? '0' : ' ';
    CHECK(parse_json(text + "]").items().size() > 1'500'000);
}

TEST_CASE("many equal names cost no quadratic time") {
    std::string text = "{\"a\":0";
    for (int i = 0; i < 200'000; ++i) {
        text += ",\"a\":1";
    }
    CHECK(round_trip(text + "}") == R"({"a":1})");
}

TEST_CASE("exact access refuses the wrong type") {
    const auto value = parse_json(R"({"s":"x","n":5,"f":1.5,"b":true,"a":[],"big":1e40})");
    CHECK(value.find("s")->string() == "x");
    CHECK(value.find("n")->integer() == 5);
    CHECK(value.find("f")->real() == 1.5);
    CHECK(value.find("n")->real() == 5.0);
    CHECK(value.find("b")->boolean());
    CHECK(value.find("f")->number_text() == "1.5");
    for (const auto* name : {"s", "b", "a", "f", "big"}) {
        CHECK(error_code_of([&] { return value.find(name)->integer(); }) ==
              ErrorCode::InvalidArgument);
    }
    CHECK(error_code_of([&] { return value.string(); }) == ErrorCode::InvalidArgument);
    CHECK(error_code_of([&] { return value.find("s")->items().size(); }) ==
          ErrorCode::InvalidArgument);
    CHECK(error_code_of([&] { return value.find("a")->members().size(); }) ==
          ErrorCode::InvalidArgument);
}

TEST_CASE("lenient access answers with the fallback") {
    const auto pod =
        parse_json(R"({"metadata":{"name":"web","generation":7},"ready":true,"x":"7"})");
    CHECK(pod.text_at({"metadata", "name"}) == "web");
    CHECK(pod.text_at({"metadata", "namespace"}, "default") == "default");
    CHECK(pod.text_at({"metadata", "generation"}, "-") == "-");
    CHECK(pod.text_at({"ready", "deeper"}, "-") == "-");
    CHECK(pod.integer_at({"metadata", "generation"}) == 7);
    CHECK(pod.integer_at({"x"}, -1) == -1);
    CHECK(pod.bool_at({"ready"}));
    CHECK(pod.bool_at({"missing"}, true));
    CHECK(pod.find_path({"metadata", "name"}) != nullptr);
    CHECK(pod.find_path({"metadata", "name", "x"}) == nullptr);
    CHECK(Json("text").find("x") == nullptr);
}

TEST_CASE("values are built and changed") {
    Json value;
    value["b"] = 1;
    value["a"]["deep"] = "x";
    value["list"].push_back(true);
    value["list"].push_back(Json());
    value["b"] = 2;
    CHECK(format_json(value) == R"({"b":2,"a":{"deep":"x"},"list":[true,null]})");
    value.erase("b");
    value.erase("missing");
    CHECK(format_json(value) == R"({"a":{"deep":"x"},"list":[true,null]})");
    CHECK(error_code_of([] {
              Json number(1);
              return number["x"];
          }) == ErrorCode::InvalidArgument);
}

TEST_CASE("numbers become text that reads back") {
    CHECK(Json(std::numeric_limits<std::int64_t>::min()).number_text() == "-9223372036854775808");
    CHECK(Json(std::numeric_limits<std::uint64_t>::max()).number_text() == "18446744073709551615");
    CHECK(Json(0.1).number_text() == "0.1");
    CHECK(Json(1.0 / 3).real() == 1.0 / 3);
    CHECK(error_code_of([] { return Json(std::numeric_limits<double>::infinity()); }) ==
          ErrorCode::InvalidArgument);
}

TEST_CASE("the pretty form is the one of kubectl") {
    const auto value = parse_json(R"({"a":[1,{"b":null}],"c":{},"d":[]})");
    CHECK(format_json_pretty(value) == R"({
    "a": [
        1,
        {
            "b": null
        }
    ],
    "c": {},
    "d": []
}
)");
}

TEST_CASE("bytes that are no text are written as replacement characters") {
    CHECK(format_json(Json(std::string("a\xff\xc3("))) == "\"a\xef\xbf\xbd\xef\xbf\xbd(\"");
}

TEST_CASE("random values survive both forms") {
    backup::testing::SeededRandom random;
    for (int i = 0; i < 1000; ++i) {
        const auto value = backup::testing::random_json(random);
        INFO(format_json(value));
        CHECK(parse_json(format_json(value)) == value);
        CHECK(parse_json(format_json_pretty(value)) == value);
    }
}
