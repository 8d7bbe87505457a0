// SPDX-License-Identifier: Apache-2.0
#include "core/base/each_at_once.hpp"

#include "core/base/error.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/meeting.hpp"

#include <algorithm>
#include <atomic>
#include <vector>

using namespace backup;

TEST_CASE("each is called once, and so many at a time") {
    std::vector<std::atomic<int>> calls(20);
    testing::Meeting meeting(4);
    each_at_once(calls.size(),
                 4,
                 [&](std::size_t at, const std::stop_token&) {
                     ++calls[at];
                     meeting.arrive();
                 },
                 {});
    CHECK(meeting.has_met());
    CHECK(std::all_of(calls.begin(), calls.end(), [](const auto& count) { return count == 1; }));
    each_at_once(0, 4, [](std::size_t, const std::stop_token&) { FAIL(); }, {});
}

TEST_CASE("the first error and a stop end the rest") {
    int calls = 0;
    const auto run = [&](const std::stop_token& stop) {
        return testing::error_code_of([&] {
            each_at_once(
                9,
                1,
                [&](std::size_t at, const std::stop_token&) {
                    ++calls;
                    if (at == 2) {
                        throw Error(ErrorCode::NoSpace, "full");
                    }
                },
                stop);
            return 0;
        });
    };
    CHECK(run({}) == ErrorCode::NoSpace);
    CHECK(calls == 3);
    std::stop_source stop;
    stop.request_stop();
    CHECK(run(stop.get_token()) == ErrorCode::Interrupted);
    CHECK(calls == 3);
}
