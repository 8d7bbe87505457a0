// SPDX-License-Identifier: Apache-2.0
#include "core/base/text_table.hpp"

#include "tests/support/catch.hpp"

#include <string>

using namespace backup;

TEST_CASE("each text has a number and is found by it", "[text_table]") {
    TextTable table;
    CHECK(table.add("pods") == 0);
    CHECK(table.add("") == 1);
    CHECK(table.add(std::string("a\0b", 3)) == 2);
    CHECK(table.add("pods") == 0);
    CHECK(table.add("") == 1);
    CHECK(table.size() == 3);
    CHECK(table.text(0) == "pods");
    CHECK(table.text(1).empty());
    CHECK(table.text(2) == std::string("a\0b", 3));
}

TEST_CASE("many texts keep their numbers while the table grows", "[text_table]") {
    constexpr TextTable::Id count = 20'000;
    TextTable table;
    for (TextTable::Id i = 0; i < count; ++i) {
        REQUIRE(table.add("name-" + std::to_string(i)) == i);
    }
    for (TextTable::Id i = 0; i < count; ++i) {
        REQUIRE(table.add("name-" + std::to_string(i)) == i);
        REQUIRE(table.text(i) == "name-" + std::to_string(i));
    }
    CHECK(table.size() == count);
}
