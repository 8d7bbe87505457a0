// SPDX-License-Identifier: Apache-2.0
#include "core/base/yaml.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

#include <map>

using namespace backup;
using backup::testing::contains;
using backup::testing::error_code_of;
using backup::testing::error_of;

namespace {

std::string as_json(std::string_view yaml) {
    return format_json(parse_yaml(yaml));
}

}  // namespace

// Each expectation was compared with what sigs.k8s.io/yaml v1.6.0 gives.
TEST_CASE("plain scalars have the types kubectl gives them") {
    const std::map<std::string, std::string> expected = {
        {"yes", "true"},
        {"Yes", "true"},
        {"y", "true"},
        {"on", "true"},
        {"TRUE", "true"},
        {"n", "false"},
        {"Off", "false"},
        {"no", "false"},
        {"yEs", "\"yEs\""},
        {"~", "null"},
        {"null", "null"},
        {"Null", "null"},
        {"", "null"},
        {"nUll", "\"nUll\""},
        {"0", "0"},
        {"-5", "-5"},
        {"+5", "5"},
        {"017", "15"},
        {"0o17", "15"},
        {"08", "8"},
        {"0x1F", "31"},
        {"-0x10", "-16"},
        {"0b11", "3"},
        {"-0b11", "-3"},
        {"1_000", "1000"},
        {"18446744073709551615", "18446744073709551615"},
        {"1e3", "1e3"},
        {"1.50", "1.50"},
        {".5", "0.5"},
        {"5.", "5"},
        {"+.5", "0.5"},
        {"-.5", "-0.5"},
        {"1e999", "\"1e999\""},
        {"1e-999", "1e-999"},
        {"0x", "\"0x\""},
        {"0xfg", "\"0xfg\""},
        {".", "\".\""},
        {"-", "[null]"},
        {"1.2.3", "\"1.2.3\""},
        {"12:30:45", "\"12:30:45\""},
        {"2026-01-01", "\"2026-01-01\""},
        {"2026-01-01T10:00:00Z", "\"2026-01-01T10:00:00Z\""},
        {"=", "\"=\""},
        {"<<", "\"<<\""},
        {"a b", "\"a b\""},
        {"'yes'", "\"yes\""},
        {"\"017\"", "\"017\""},
    };
    for (const auto& [yaml, json] : expected) {
        INFO(yaml);
        CHECK(as_json(yaml) == json);
    }
}

TEST_CASE("infinity has no place in JSON") {
    for (const auto* text : {".inf", "-.Inf", "+.INF", ".nan", "a: [.NaN]"}) {
        INFO(text);
        CHECK(error_code_of([&] { return parse_yaml(text); }) == ErrorCode::InvalidArgument);
    }
    CHECK(as_json("'.inf'") == "\".inf\"");
    CHECK(as_json("-.nan") == "\"-.nan\"");
}

TEST_CASE("tags decide over the look of a scalar") {
    CHECK(as_json("!!str 12") == "\"12\"");
    CHECK(as_json("! 12") == "\"12\"");
    CHECK(as_json("!!int '5'") == "5");
    CHECK(as_json("!!float 5") == "5");
    CHECK(as_json("!!bool 'yes'") == "true");
    CHECK(as_json("!!binary aGVsbG8=") == "\"hello\"");
    CHECK(as_json("!own x") == "\"x\"");
    CHECK(error_code_of([] { return parse_yaml("!!int abc"); }) == ErrorCode::InvalidArgument);
    CHECK(error_code_of([] { return parse_yaml("!!binary gIGC"); }) == ErrorCode::InvalidArgument);
    CHECK(error_code_of([] { return parse_yaml("!!binary '%'"); }) == ErrorCode::InvalidArgument);
}

TEST_CASE("a kubeconfig is read") {
    const auto config = parse_yaml(R"(# a comment
apiVersion: v1
clusters:
- name: kind
  cluster: {server: "https://127.0.0.1:6443"}   # flow inside block
users:
- name: me
  user:
    token: 'it''s'
    empty:
)");
    CHECK(
        format_json(config) ==
        R"({"apiVersion":"v1","clusters":[{"name":"kind","cluster":{"server":)"
        R"("https://127.0.0.1:6443"}}],"users":[{"name":"me","user":{"token":"it's","empty":null}}]})");
}

TEST_CASE("blocks and folds are read") {
    CHECK(as_json("a: |\n  x\n   y\n\n  z\n") == R"({"a":"x\n y\n\nz\n"})");
    CHECK(as_json("a: |-\n  x\n") == R"({"a":"x"})");
    CHECK(as_json("a: |+\n  x\n\n") == R"({"a":"x\n\n"})");
    CHECK(as_json("a: >\n  x\n  y\n\n  z\n") == R"({"a":"x y\nz\n"})");
    CHECK(as_json("a: x\n  y\n") == R"({"a":"x y"})");
}

TEST_CASE("every escape of a double-quoted scalar is read as UTF-8") {
    CHECK(parse_yaml(R"("\x41\u00e9\U0001F600\N\_\L\P\e")").string() ==
          "A\xc3\xa9\xf0\x9f\x98\x80\xc2\x85\xc2\xa0\xe2\x80\xa8\xe2\x80\xa9\x1b");
    CHECK(error_code_of([] { return parse_yaml(R"("\ud800")"); }) == ErrorCode::InvalidArgument);
}

TEST_CASE("keys become text") {
    CHECK(as_json("{y: n}") == R"({"true":false})");
    CHECK(as_json("{1: a, 0x10: b, true: c, 1.5: d, '1': e}") ==
          R"({"1":"e","16":"b","true":"c","1.5":"d"})");
    CHECK(error_code_of([] { return parse_yaml("~: a"); }) == ErrorCode::InvalidArgument);
    CHECK(error_code_of([] { return parse_yaml("? [a]\n: b"); }) == ErrorCode::InvalidArgument);
}

TEST_CASE("the last of equal keys wins") {
    CHECK(as_json("a: 1\nb: 2\na: 3\n") == R"({"a":3,"b":2})");
}

TEST_CASE("only the first document is read") {
    CHECK(as_json("--- a\n--- b\n") == "\"a\"");
    CHECK(as_json("") == "null");
    CHECK(as_json("# nothing\n") == "null");
}

TEST_CASE("anchors and merges are expanded") {
    CHECK(as_json("a: &x [1, {b: 2}]\nc: *x\n") == R"({"a":[1,{"b":2}],"c":[1,{"b":2}]})");
    CHECK(as_json("base: &b {p: 1, q: 2}\na: {q: 3, <<: *b}\n") ==
          R"({"base":{"p":1,"q":2},"a":{"q":3,"p":1}})");
    CHECK(as_json("<<: [{a: 1}, {a: 2, b: 3}]\n") == R"({"a":1,"b":3})");
    CHECK(as_json("{'<<': 1}") == R"({"<<":1})");
    CHECK(error_code_of([] { return parse_yaml("<<: 5"); }) == ErrorCode::InvalidArgument);
    CHECK(error_code_of([] { return parse_yaml("a: *b"); }) == ErrorCode::InvalidArgument);
    CHECK(error_code_of([] { return parse_yaml("&a [*a]"); }) == ErrorCode::InvalidArgument);
}

TEST_CASE("a billion laughs are refused") {
    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 10; ++i) {
        const auto before = "*a" + std::to_string(i - 1);
        bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
        for (int k = 1; k < 10; ++k) {
            bomb += ", " + before;
        }
        bomb += "]\n";
    }
    const auto error = error_of([&] { return parse_yaml(bomb); });
    CHECK(error.code() == ErrorCode::InvalidArgument);
    CHECK_THAT(error.what(), contains("aliases"));
}

TEST_CASE("aliases cannot nest deeper than the limit") {
    std::string text = "a0: &a0 [x]\n";
    for (int i = 1; i < 600; ++i) {
        text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" +
                std::to_string(i - 1) + "]\n";
    }
    CHECK(error_code_of([&] { return parse_yaml(text); }) == ErrorCode::InvalidArgument);
}

TEST_CASE("deep nesting is refused") {
    for (const auto* piece : {"[", "{a: ", "- "}) {
        std::string text;
        for (int i = 0; i < 5000; ++i) {
            text += piece;
        }
        CHECK(error_code_of([&] { return parse_yaml(text); }) == ErrorCode::InvalidArgument);
    }
}

TEST_CASE("an error names the line and not the content") {
    const auto error = error_of([] { return parse_yaml("a: 1\nsecret: [hunter2\n"); });
    CHECK(error.code() == ErrorCode::InvalidArgument);
    CHECK_THAT(error.what(), contains("line "));
    CHECK(std::string_view(error.what()).find("hunter2") == std::string_view::npos);
    CHECK_THAT(error_of([] { return parse_yaml("a: 1\nb: .inf\n"); }).what(), contains("line 2"));
}

TEST_CASE("what is not UTF-8 text is refused") {
    CHECK(error_code_of([] { return parse_yaml("a: \xff"); }) == ErrorCode::InvalidArgument);
}

TEST_CASE("a located document knows the line of each part") {
    const auto [value, lines] = parse_located_yaml(
        "# two\n"          // 1
        "base: &base\n"    // 2
        "  kind: x\n"      // 3
        "list:\n"          // 4
        "  - one\n"        // 5
        "  -\n"            // 6
        "    name: two\n"  // 7
        "    <<: *base\n"  // 8
        "  - *base\n"      // 9
        "base: [a,\n"      // 10: the last one wins
        "       b]\n");    // 11
    CHECK(format_json(value) ==
          R"({"base":["a","b"],"list":["one",{"name":"two","kind":"x"},{"kind":"x"}]})");
    REQUIRE(lines.parts.size() == 2);
    const auto& base = lines.parts[0];
    CHECK(base.line == 10);
    REQUIRE(base.parts.size() == 2);
    CHECK(base.parts[1].line == 11);
    const auto& list = lines.parts[1];
    CHECK(list.line == 4);
    REQUIRE(list.parts.size() == 3);
    CHECK(list.parts[0].line == 5);
    CHECK(list.parts[1].line == 7);
    REQUIRE(list.parts[1].parts.size() == 2);
    CHECK(list.parts[1].parts[0].line == 7);
    CHECK(list.parts[1].parts[1].parts.empty());
    CHECK(list.parts[2].line == 9);
    CHECK(list.parts[2].parts.empty());
}
