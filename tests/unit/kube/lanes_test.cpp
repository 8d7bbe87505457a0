// SPDX-License-Identifier: Apache-2.0
#include "core/kube/lanes.hpp"

#include "core/base/queue.hpp"
#include "core/base/task_group.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

using namespace backup;
using backup::kube::Lanes;

TEST_CASE("a refusal halves what is under way", "[lanes]") {
    Lanes lanes(64);
    {
        const auto enter = [&] { return lanes.enter({}); };
        const auto one = enter();
        const auto two = enter();
        const auto three = enter();
        const auto four = enter();
        lanes.narrow();
        CHECK(lanes.width() == 2);
        lanes.narrow();
        CHECK(lanes.width() == 1);
        lanes.narrow();
        CHECK(lanes.width() == 1);
    }
    const auto again = lanes.enter({});
    CHECK(lanes.width() == 1);
}

TEST_CASE("it widens by one for each round that goes through", "[lanes]") {
    Lanes lanes(4);
    lanes.narrow();
    REQUIRE(lanes.width() == 1);
    lanes.widen();
    CHECK(lanes.width() == 2);
    lanes.widen();
    CHECK(lanes.width() == 2);
    lanes.widen();
    CHECK(lanes.width() == 3);
    for (int i = 0; i < 100; ++i) {
        lanes.widen();
    }
    CHECK(lanes.width() == 4);
}

TEST_CASE("who finds no free lane waits for one", "[lanes]") {
    Lanes lanes(1);
    BoundedQueue<int> order(4);
    TaskGroup tasks;
    {
        auto mine = lanes.enter({});
        tasks.start([&](const std::stop_token& stop) {
            const auto lane = lanes.enter(stop);
            order.push(2);
        });
        order.push(1);
        mine.leave();
        mine.leave();  // once is enough
    }
    tasks.wait();
    CHECK(order.pop() == 1);
    CHECK(order.pop() == 2);
}

TEST_CASE("waiting for a lane ends when stop is asked", "[lanes]") {
    Lanes lanes(1);
    const auto mine = lanes.enter({});
    std::stop_source stop;
    stop.request_stop();
    CHECK(testing::error_code_of([&] {
              const auto lane = lanes.enter(stop.get_token());
              return 0;
          }) == ErrorCode::Interrupted);
}
