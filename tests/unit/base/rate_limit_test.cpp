// SPDX-License-Identifier: Apache-2.0
#include "core/base/rate_limit.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/fake_clock.hpp"

#include <algorithm>
#include <vector>

using namespace backup;
using backup::testing::FakeClock;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kRate = 10'000'000;

struct Passed {
    std::chrono::steady_clock::time_point at;
    std::uint64_t bytes = 0;
};

/// One thread that passes pieces for so long, waking up `late` each time.
std::vector<Passed> run(RateLimit& limit,
                        FakeClock& clock,
                        std::chrono::nanoseconds duration,
                        std::chrono::nanoseconds late = 0ns) {
    std::vector<Passed> passed;
    const auto end = clock.steady_now() + duration;
    while (clock.steady_now() < end) {
        const auto wait = limit.reserve(limit.piece());
        if (wait > 0ns) {
            clock.advance(wait + late);
        }
        passed.push_back({clock.steady_now(), limit.piece()});
    }
    return passed;
}

std::uint64_t most_within(const std::vector<Passed>& passed, std::chrono::nanoseconds window) {
    std::uint64_t most = 0;
    for (std::size_t first = 0; first < passed.size(); ++first) {
        std::uint64_t sum = 0;
        for (std::size_t i = first; i < passed.size() && passed[i].at < passed[first].at + window;
             ++i) {
            sum += passed[i].bytes;
        }
        most = std::max(most, sum);
    }
    return most;
}

std::uint64_t sum_of(const std::vector<Passed>& passed) {
    std::uint64_t sum = 0;
    for (const auto& one : passed) {
        sum += one.bytes;
    }
    return sum;
}

bool is_within_5_percent(std::uint64_t bytes, std::uint64_t wanted) {
    return bytes * 100 >= wanted * 95 && bytes * 100 <= wanted * 105;
}

}  // namespace

TEST_CASE("a rate is kept within five per cent over ten seconds") {
    FakeClock clock;
    RateLimit limit(kRate, clock);
    SECTION("on time") {
        CHECK(is_within_5_percent(sum_of(run(limit, clock, 10s)), 10 * kRate));
    }
    SECTION("by a thread that always wakes up late") {
        CHECK(is_within_5_percent(sum_of(run(limit, clock, 10s, 15ms)), 10 * kRate));
    }
    SECTION("when little passes at once") {
        std::uint64_t passed = 0;
        const auto end = clock.steady_now() + 10s;
        while (clock.steady_now() < end) {
            clock.advance(limit.reserve(1000));
            passed += 1000;
        }
        CHECK(is_within_5_percent(passed, 10 * kRate));
    }
}

TEST_CASE("nothing is saved up while nothing passes") {
    FakeClock clock;
    RateLimit limit(kRate, clock);
    run(limit, clock, 1s);
    clock.advance(1h);
    const auto passed = run(limit, clock, 3s, 1ms);
    CHECK(is_within_5_percent(most_within(passed, 1s), kRate));
    CHECK(most_within(passed, 100ms) <= kRate / 10 + kRate / 100 * 6);
}

TEST_CASE("the first bytes wait as well") {
    FakeClock clock;
    RateLimit limit(kRate, clock);
    CHECK(limit.reserve(kRate) == 1s);
    CHECK(limit.reserve(kRate) == 2s);
    clock.advance(2s);
    CHECK(limit.reserve(kRate / 2) == 500ms);
}

TEST_CASE("threads share one rate") {
    FakeClock clock;
    RateLimit limit(kRate, clock);
    CHECK(limit.reserve(kRate / 4) == 250ms);
    CHECK(limit.reserve(kRate / 4) == 500ms);
    CHECK(limit.reserve(kRate / 4) == 750ms);
}

TEST_CASE("no limit is no wait") {
    FakeClock clock;
    RateLimit limit(0, clock);
    CHECK_FALSE(limit.is_limited());
    CHECK(limit.reserve(~std::uint64_t{0}) == 0ns);
    CHECK(limit.wait_for(~std::uint64_t{0}, {}));
}

TEST_CASE("a wait ends when stop is asked") {
    FakeClock clock;
    RateLimit limit(1, clock);
    std::stop_source stop;
    stop.request_stop();
    CHECK_FALSE(limit.wait_for(1'000'000, stop.get_token()));
}

TEST_CASE("a tiny rate passes byte by byte") {
    FakeClock clock;
    RateLimit limit(3, clock);
    CHECK(limit.piece() == 1);
    CHECK(limit.reserve(3) == 1s);
}

TEST_CASE("rates as people write them") {
    CHECK(parse_rate("10MiB") == 10U << 20U);
    CHECK(parse_rate("500k/s") == 500U << 10U);
    CHECK(parse_rate("1g") == 1U << 30U);
    CHECK(parse_rate("0") == 0);
    CHECK(backup::testing::error_code_of([] { return parse_rate("fast"); }) ==
          ErrorCode::InvalidArgument);
    CHECK(backup::testing::error_code_of([] { return parse_rate("/s"); }) ==
          ErrorCode::InvalidArgument);
}
