// SPDX-License-Identifier: Apache-2.0
#include "core/base/closest_match.hpp"

#include "tests/support/catch.hpp"

#include <vector>

using namespace backup;

namespace {

const std::vector<std::string>& verbs() {
    static const std::vector<std::string> known = {
        "create", "list", "ls", "describe", "restore", "remove", "repository"};
    return known;
}

}  // namespace

TEST_CASE("typing errors find their word") {
    CHECK(closest_match("lits", verbs()) == "list");
    CHECK(closest_match("craete", verbs()) == "create");
    CHECK(closest_match("restor", verbs()) == "restore");
    CHECK(closest_match("DESCRIBE", verbs()) == "describe");
    CHECK(closest_match("desc", verbs()) == "describe");
    CHECK(closest_match("repo", verbs()) == "repository");
}

TEST_CASE("a word far from all finds none") {
    CHECK_FALSE(closest_match("xyzzy", verbs()));
    CHECK_FALSE(closest_match("", verbs()));
    CHECK_FALSE(closest_match("q", verbs()));
    CHECK_FALSE(closest_match("list", {}));
    CHECK_FALSE(closest_match(std::string(100'000, 'l'), verbs()));
}

TEST_CASE("the suggestion is a whole question or nothing") {
    CHECK(did_you_mean("lits", verbs()) == "did you mean 'list'?");
    CHECK(did_you_mean("xyzzy", verbs()).empty());
}
