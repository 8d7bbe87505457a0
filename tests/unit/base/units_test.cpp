// SPDX-License-Identifier: Apache-2.0
#include "core/base/units.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

using namespace backup;
using namespace std::chrono_literals;
using backup::testing::error_code_of;

TEST_CASE("sizes are shown with one decimal") {
    CHECK(format_size(0) == "0 B");
    CHECK(format_size(17) == "17 B");
    CHECK(format_size(1023) == "1023 B");
    CHECK(format_size(1024) == "1.0 KiB");
    CHECK(format_size(1536) == "1.5 KiB");
    CHECK(format_size((1U << 20U) - 1) == "1.0 MiB");
    CHECK(format_size(4'509'715'661) == "4.2 GiB");
    CHECK(format_size(UINT64_MAX) == "16.0 EiB");
}

TEST_CASE("sizes are read in binary multiples") {
    CHECK(parse_size("512") == 512);
    CHECK(parse_size("0") == 0);
    CHECK(parse_size("512B") == 512);
    CHECK(parse_size("1k") == 1024);
    CHECK(parse_size("64MiB") == 64U << 20U);
    CHECK(parse_size("64 mb") == 64U << 20U);
    CHECK(parse_size("1Gi") == 1U << 30U);
    CHECK(parse_size("1.5g") == 3U << 29U);
    CHECK(parse_size("15E") == 15ULL << 60U);
}

TEST_CASE("what is no size is refused") {
    for (const auto* text :
         {"", "k", "-1", "1x", "1kk", "1 k b", ".", "1e3", "16E", "18446744073709551616", "1..5"}) {
        INFO(text);
        CHECK(error_code_of([&] { return parse_size(text); }) == ErrorCode::InvalidArgument);
    }
}

// The cases of duration_test.go beside HumanDuration.
TEST_CASE("ages are those of kubectl") {
    constexpr auto day = 24h;
    constexpr auto year = 365 * day;
    CHECK(format_age(-2s) == "<invalid>");
    CHECK(format_age(-1s) == "0s");
    CHECK(format_age(0s) == "0s");
    CHECK(format_age(1s) == "1s");
    CHECK(format_age(70s) == "70s");
    CHECK(format_age(119s) == "119s");
    CHECK(format_age(190s) == "3m10s");
    CHECK(format_age(9min + 5s) == "9m5s");
    CHECK(format_age(9min) == "9m");
    CHECK(format_age(70min) == "70m");
    CHECK(format_age(179min + 59s) == "179m");
    CHECK(format_age(3h + 2min) == "3h2m");
    CHECK(format_age(7h) == "7h");
    CHECK(format_age(47h + 59min) == "47h");
    CHECK(format_age(2 * day) == "2d");
    CHECK(format_age(7 * day + 23h) == "7d23h");
    CHECK(format_age(8 * day) == "8d");
    CHECK(format_age(2 * year - 1s) == "729d");
    CHECK(format_age(2 * year) == "2y");
    CHECK(format_age(2 * year + 19h) == "2y");
    CHECK(format_age(2 * year + day) == "2y1d");
    CHECK(format_age(8 * year) == "8y");
    CHECK(format_age(8 * year + 200 * day) == "8y");
}

TEST_CASE("durations are read as Go writes them, and days") {
    CHECK(parse_duration("90") == 90s);
    CHECK(parse_duration("0") == 0s);
    CHECK(parse_duration("90s") == 90s);
    CHECK(parse_duration("1h30m") == 90min);
    CHECK(parse_duration("1h0m0.5s") == 1h + 500ms);
    CHECK(parse_duration("250ms") == 250ms);
    CHECK(parse_duration("1.5h") == 90min);
    CHECK(parse_duration("10us") == 10us);
    CHECK(parse_duration("10\xc2\xb5s") == 10us);
    CHECK(parse_duration("3ns") == 3ns);
    CHECK(parse_duration("7d") == 168h);
    CHECK(parse_duration("1d12h") == 36h);
}

TEST_CASE("what is no duration is refused") {
    for (const auto* text :
         {"", "s", "1x", "-1s", "1h30", "1 h", "h1", "1mm", "300000d", "1..2s"}) {
        INFO(text);
        CHECK(error_code_of([&] { return parse_duration(text); }) == ErrorCode::InvalidArgument);
    }
}
