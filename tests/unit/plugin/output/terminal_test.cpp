// SPDX-License-Identifier: Apache-2.0
#include "plugin/output/terminal.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

using namespace backup;
using namespace backup::plugin;

TEST_CASE("colour is for terminals that want it") {
    CHECK(wants_colour(ColourMode::Auto, {true, 80, "xterm", false}));
    CHECK_FALSE(wants_colour(ColourMode::Auto, {false, 80, "xterm", false}));
    CHECK_FALSE(wants_colour(ColourMode::Auto, {true, 80, "dumb", false}));
    CHECK_FALSE(wants_colour(ColourMode::Auto, {true, 80, "xterm", true}));
    CHECK(wants_colour(ColourMode::Always, {false, 80, "dumb", true}));
    CHECK_FALSE(wants_colour(ColourMode::Never, {true, 80, "xterm", false}));
}

TEST_CASE("colour modes have names") {
    CHECK(parse_colour_mode("auto") == ColourMode::Auto);
    CHECK(parse_colour_mode("always") == ColourMode::Always);
    CHECK(parse_colour_mode("never") == ColourMode::Never);
    CHECK(testing::error_code_of([] { return parse_colour_mode("x"); }) == ErrorCode::Usage);
}

TEST_CASE("help is wrapped within reason") {
    CHECK(help_width(false, 200) == 80);
    CHECK(help_width(true, 200) == 100);
    CHECK(help_width(true, 20) == 60);
    CHECK(help_width(true, 90) == 90);
}
