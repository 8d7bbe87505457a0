// SPDX-License-Identifier: Apache-2.0
#include "core/base/clock.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/seeded_random.hpp"

using namespace backup;
using namespace std::chrono_literals;

namespace {

std::string reformat(std::string_view text) {
    return format_rfc3339(parse_rfc3339(text));
}

}  // namespace

TEST_CASE("times are read in every form that is offered") {
    CHECK(reformat("2026-11-20T10:00:00Z") == "2026-11-20T10:00:00Z");
    CHECK(reformat("2026-11-20T10:00Z") == "2026-11-20T10:00:00Z");
    CHECK(reformat("2026-11-20") == "2026-11-20T00:00:00Z");
    CHECK(reformat("2026-11-20t10:00:00z") == "2026-11-20T10:00:00Z");
    CHECK(reformat("2026-11-20 10:00:00Z") == "2026-11-20T10:00:00Z");
    CHECK(reformat("2026-11-20T10:00:00+02:30") == "2026-11-20T07:30:00Z");
    CHECK(reformat("2026-11-20T23:00:00-02:00") == "2026-11-21T01:00:00Z");
    CHECK(reformat("2024-02-29T00:00:00Z") == "2024-02-29T00:00:00Z");
    CHECK(reformat("1969-12-31T23:59:59.5Z") == "1969-12-31T23:59:59Z");
    CHECK(reformat("2016-12-31T23:59:60Z") == "2017-01-01T00:00:00Z");
}

TEST_CASE("fractions are kept to the nanosecond") {
    const auto whole = parse_rfc3339("2026-11-20T10:00:00Z");
    CHECK(parse_rfc3339("2026-11-20T10:00:00.5Z") - whole == 500ms);
    CHECK(parse_rfc3339("2026-11-20T10:00:00.000000001Z") - whole == 1ns);
    CHECK(parse_rfc3339("2026-11-20T10:00:00.1234567899999Z") - whole == 123456789ns);
}

TEST_CASE("what is no time is refused") {
    for (const auto* text : {"",
                             "now",
                             "2026",
                             "2026-13-01",
                             "2026-02-30",
                             "2025-02-29",
                             "2026-1-1",
                             "2026-11-20T",
                             "2026-11-20T10:00",
                             "2026-11-20T10:00:00",
                             "2026-11-20T24:00:00Z",
                             "2026-11-20T10:60:00Z",
                             "2026-11-20T10:00:00.Z",
                             "2026-11-20T10:00:00Zx",
                             "2026-11-20T10:00:00+2:00",
                             "2026-11-20T10:00:00+25:00",
                             "9999-01-01T00:00:00Z",
                             "0001-01-01T00:00:00Z",
                             "+026-11-20"}) {
        INFO(text);
        CHECK(backup::testing::error_code_of([&] { return parse_rfc3339(text); }) ==
              ErrorCode::InvalidArgument);
    }
}

TEST_CASE("every second of the reachable range survives") {
    backup::testing::SeededRandom random;
    for (int i = 0; i < 2000; ++i) {
        const auto seconds =
            static_cast<std::int64_t>(random.below(18'000'000'000)) - 9'000'000'000;
        const TimePoint time{std::chrono::seconds(seconds)};
        CHECK(parse_rfc3339(format_rfc3339(time)) == time);
    }
}

TEST_CASE("the exact form keeps the fraction and shows no zeros behind it") {
    for (const auto* text : {"2026-11-20T10:00:00Z",
                             "2026-11-20T10:00:00.25Z",
                             "2026-11-20T10:00:00.000000001Z",
                             "1960-02-03T04:05:06.789Z"}) {
        CHECK(format_rfc3339_exact(parse_rfc3339(text)) == text);
    }
    backup::testing::SeededRandom random;
    for (int i = 0; i < 2000; ++i) {
        const TimePoint time{std::chrono::nanoseconds(
            static_cast<std::int64_t>(random.below(18'000'000'000'000'000'000U) / 2) -
            4'500'000'000'000'000'000)};
        CHECK(parse_rfc3339(format_rfc3339_exact(time)) == time);
    }
}

TEST_CASE("the compact form sorts as the times do") {
    CHECK(format_compact(parse_rfc3339("2026-11-20T10:00:00Z")) == "20261120T100000Z");
    CHECK(format_compact(parse_rfc3339("2026-11-20T09:59:59Z")) <
          format_compact(parse_rfc3339("2026-11-20T10:00:00Z")));
}

TEST_CASE("the system clock goes forward") {
    SystemClock clock;
    const auto before = clock.steady_now();
    CHECK(clock.now() > parse_rfc3339("2020-01-01"));
    CHECK(clock.steady_now() >= before);
}

TEST_CASE("the fake clock moves only when it is moved") {
    backup::testing::FakeClock clock;
    const auto before = clock.now();
    const auto steady = clock.steady_now();
    CHECK(clock.now() == before);
    clock.advance(90s);
    CHECK(clock.now() - before == 90s);
    CHECK(clock.steady_now() - steady == 90s);
}
