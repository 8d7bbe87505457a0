// SPDX-License-Identifier: Apache-2.0
#include "core/model/json_scanner.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

#include <utility>
#include <vector>

using namespace backup;
using namespace backup::model;
using testing::error_code_of;

namespace {

using Members = std::vector<std::pair<std::string, std::string>>;

Members members_of(std::string_view text) {
    Members out;
    for_each_member(text, [&](std::string_view name, std::string_view value) {
        out.emplace_back(name, value);
    });
    return out;
}

std::vector<std::string> items_of(std::string_view text) {
    std::vector<std::string> out;
    for_each_item(text, [&](std::string_view item) { out.emplace_back(item); });
    return out;
}

}  // namespace

TEST_CASE("members come with their exact bytes") {
    CHECK(members_of(R"( { "a" : 1.0 , "b":{"x":[1,"}"]}, "c":"q\"]" } )") ==
          Members{{"a", "1.0"}, {"b", R"({"x":[1,"}"]})"}, {"c", R"("q\"]")"}});
    CHECK(members_of("{}").empty());
}

TEST_CASE("a name with escapes is decoded") {
    CHECK(members_of(R"({"\u006detadata":null})") == Members{{"metadata", "null"}});
}

TEST_CASE("items keep their spaces and number forms") {
    CHECK(items_of(R"([ {"a": 1e0 } , [] ,"x"])") ==
          std::vector<std::string>{R"({"a": 1e0 })", "[]", R"("x")"});
    CHECK(items_of(R"(["a\\","\\\"]",{"\"":"\\"}])") ==
          std::vector<std::string>{R"("a\\")", R"("\\\"]")", R"({"\"":"\\"})"});
    CHECK(items_of(" [ ] ").empty());
}

TEST_CASE("broken texts are refused") {
    const auto text = GENERATE(as<std::string>{},
                               "",
                               "{",
                               "[",
                               "[1,]",
                               "[1 2]",
                               "[}",
                               "[{]",
                               "[\"a]",
                               "[\"a\\\"]",
                               "[1]x",
                               "[[[]]",
                               "[,1]");
    CAPTURE(text);
    CHECK(error_code_of([&] { return items_of(text).size(); }) == ErrorCode::InvalidArgument);
}

TEST_CASE("broken objects are refused") {
    const auto text = GENERATE(as<std::string>{},
                               "",
                               "{",
                               "{a:1}",
                               R"({"a" 1})",
                               R"({"a":})",
                               R"({"a":1,})",
                               R"({"a":1}})",
                               R"({"a":{]})");
    CAPTURE(text);
    CHECK(error_code_of([&] { return members_of(text).size(); }) == ErrorCode::InvalidArgument);
}

TEST_CASE("nesting has a limit") {
    const std::string deep = "[" + std::string(512, '[') + std::string(512, ']') + "]";
    CHECK(items_of(deep).size() == 1);
    const std::string deeper = "[" + std::string(513, '[') + std::string(513, ']') + "]";
    CHECK(error_code_of([&] { return items_of(deeper).size(); }) == ErrorCode::InvalidArgument);
}
