// SPDX-License-Identifier: Apache-2.0
#include "plugin/output/table.hpp"

#include "tests/support/catch.hpp"

using namespace backup::plugin;

TEST_CASE("columns are three spaces apart and lines have no blanks at the end") {
    Table table({"NAME", "SIZE", "AGE"});
    table.add({{"shop-1"}, {"4.2 GiB"}, {"2h"}});
    table.add({{"a"}, {""}, {""}});
    table.add({{"b"}});
    CHECK(table.format({}) ==
          "NAME     SIZE      AGE\n"
          "shop-1   4.2 GiB   2h\n"
          "a\n"
          "b\n");
}

TEST_CASE("headers can be left out and the table indented") {
    Table table({"LONG HEADER", "B"});
    table.add({{"x"}, {"y"}});
    CHECK(table.format({false, false, 2}) == "  x   y\n");
}

TEST_CASE("control characters do not reach the terminal") {
    Table table({"A"});
    table.add({{"x\x1b[2Jy\nz"}});
    const auto text = table.format({false});
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\n') == text.size() - 1);
}

TEST_CASE("letters of two bytes take one column") {
    Table table({"A", "B"});
    table.add({{"é"}, {"x"}});
    table.add({{"ee"}, {"x"}});
    CHECK(table.format({false}) == "é    x\nee   x\n");
}

TEST_CASE("colour does not move columns") {
    Table table({"A", "B"});
    table.add({{"ok", Tone::Good}, {"x"}});
    CHECK(table.format({false, true}) == "\x1b[32mok\x1b[0m   x\n");
    CHECK(table.format({false, false}) == "ok   x\n");
}
