// SPDX-License-Identifier: Apache-2.0
#include "core/repository/tree_names.hpp"

#include "core/model/file_entry.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/seeded_random.hpp"

namespace backup::testing {
namespace {

using repository::escape_name;
using repository::unescape_name;

TEST_CASE("object names become file names and back") {
    CHECK(escape_name("web-1.example.com") == "web-1.example.com");
    CHECK(escape_name("system:controller") == "system:controller");
    CHECK(escape_name("a/b%c") == "a%2Fb%25c");
    CHECK(escape_name(".") == "%2E");
    CHECK(escape_name("..") == "%2E%2E");
    CHECK(escape_name("...") == "...");
    CHECK(escape_name("") == "%");
    for (const std::string name :
         {"", ".", "..", "...", "%", "%2F", "a/b", "\n\x7f", "ü", "a%~b"}) {
        INFO(name);
        CHECK(unescape_name(escape_name(name)) == name);
        CHECK(model::is_valid_name(escape_name(name) + ".yaml"));
    }
}

TEST_CASE("any bytes go there and back") {
    SeededRandom random;
    INFO("BACKUP_SEED=" << test_seed());
    for (int round = 0; round < 2000; ++round) {
        const auto bytes = random.bytes(random.below(120));
        const std::string name(as_text(bytes));
        const auto escaped = escape_name(name);
        REQUIRE(model::is_valid_name(escaped + ".json"));
        const auto back = unescape_name(escaped);
        REQUIRE((back == name || (!back && escaped.size() > 200)));
    }
}

TEST_CASE("names that are too long are cut, and stay different") {
    const std::string longest(250, 'a');
    CHECK(escape_name(longest) == longest);
    const auto first = escape_name(std::string(251, 'a'));
    const auto second = escape_name(std::string(252, 'a'));
    CHECK(first != second);
    CHECK(first.size() == 200 + 2 + 32);
    CHECK_FALSE(unescape_name(first));
    for (std::size_t lead = 198; lead <= 200; ++lead) {
        const auto cut = escape_name(std::string(lead, 'a') + std::string(100, '/'));
        const auto mark = cut.find("%~");
        REQUIRE(mark != std::string::npos);
        CHECK(unescape_name(cut.substr(0, mark)));
    }
}

TEST_CASE("what is no escaped name is refused") {
    for (const std::string text : {"", "%2", "%2f", "%G0", "a%", "%~0123"}) {
        INFO(text);
        CHECK_FALSE(unescape_name(text));
    }
}

}  // namespace
}  // namespace backup::testing
