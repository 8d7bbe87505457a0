// SPDX-License-Identifier: Apache-2.0
#include "core/base/retry.hpp"

#include "core/base/task_group.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

using namespace backup;
using namespace std::chrono_literals;
using backup::testing::error_code_of;

namespace {

constexpr RetryPolicy kAtOnce{.attempts = 3, .first_pause = 0ms, .longest_pause = 0ms};

/// Fails so many times, then gives 7.
struct Flaky {
    int failures;
    bool retryable = true;
    int calls = 0;

    int operator()() {
        if (calls++ < failures) {
            throw Error(ErrorCode::KubeThrottled, "busy").retryable(retryable);
        }
        return 7;
    }
};

}  // namespace

TEST_CASE("what fails for a while succeeds in the end") {
    Flaky action{.failures = 2};
    CHECK(retry(kAtOnce, {}, std::ref(action)) == 7);
    CHECK(action.calls == 3);
}

TEST_CASE("attempts are counted") {
    Flaky action{.failures = 3};
    CHECK(error_code_of([&] { return retry(kAtOnce, {}, std::ref(action)); }) ==
          ErrorCode::KubeThrottled);
    CHECK(action.calls == 3);
}

TEST_CASE("what cannot succeed is not tried again") {
    Flaky action{.failures = 1, .retryable = false};
    CHECK(error_code_of([&] { return retry(kAtOnce, {}, std::ref(action)); }) ==
          ErrorCode::KubeThrottled);
    CHECK(action.calls == 1);
}

TEST_CASE("stop ends the waiting") {
    std::stop_source stop;
    stop.request_stop();
    const RetryPolicy slow{.attempts = 3, .first_pause = 1h, .longest_pause = 1h};
    Flaky action{.failures = 1};
    CHECK(error_code_of([&] { return retry(slow, stop.get_token(), std::ref(action)); }) ==
          ErrorCode::Interrupted);
    CHECK(action.calls == 1);
}

TEST_CASE("a sleeper is woken by stop") {
    TaskGroup tasks;
    tasks.start([](const std::stop_token& stop) { CHECK_FALSE(sleep_for(1h, stop)); });
    tasks.request_stop();
    tasks.wait();
    CHECK(sleep_for(0ns, {}));
}

TEST_CASE("pauses double up to the longest, with jitter of a quarter") {
    const RetryPolicy policy{.attempts = 9, .first_pause = 200ms, .longest_pause = 1000ms};
    const std::chrono::milliseconds expected[] = {200ms, 400ms, 800ms, 1000ms, 1000ms};
    for (int attempt = 1; attempt <= 5; ++attempt) {
        for (int i = 0; i < 50; ++i) {
            const auto pause = pause_before(policy, attempt);
            CHECK(pause >= expected[attempt - 1] * 3 / 4);
            CHECK(pause <= expected[attempt - 1] * 5 / 4);
        }
    }
    CHECK(pause_before(policy, 1'000'000'000) <= 1250ms);
}
