// SPDX-License-Identifier: Apache-2.0
#include "core/base/queue.hpp"

#include "core/base/synchronized.hpp"
#include "core/base/task_group.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <memory>
#include <vector>

using namespace backup;

TEST_CASE("items leave in the order they came, through many threads none is lost") {
    BoundedQueue<int> queue(3);
    Synchronized<std::vector<int>> seen;
    TaskGroup consumers;
    for (int i = 0; i < 3; ++i) {
        consumers.start([&](const std::stop_token& stop) {
            while (const auto item = queue.pop(stop)) {
                seen.lock()->push_back(*item);
            }
        });
    }
    TaskGroup producers;
    for (int i = 0; i < 4; ++i) {
        producers.start([&queue, i](const std::stop_token& stop) {
            for (int k = 0; k < 500; ++k) {
                queue.push(i * 500 + k, stop);
            }
        });
    }
    producers.wait();
    queue.close();
    consumers.wait();
    auto items = *seen.lock();
    std::sort(items.begin(), items.end());
    REQUIRE(items.size() == 2000);
    for (int i = 0; i < 2000; ++i) {
        CHECK(items[static_cast<std::size_t>(i)] == i);
    }
}

TEST_CASE("what was in a closed queue can still be taken, nothing gets in") {
    BoundedQueue<int> queue(2);
    CHECK(queue.push(1));
    CHECK(queue.push(2));
    queue.close();
    CHECK_FALSE(queue.push(3));
    CHECK(queue.pop() == 1);
    CHECK(queue.pop() == 2);
    CHECK_FALSE(queue.pop());
}

TEST_CASE("stop wakes those who wait at a full and at an empty queue") {
    BoundedQueue<int> full(1);
    REQUIRE(full.push(1));
    BoundedQueue<int> empty(1);
    bool was_pushed = true;
    bool was_popped = true;
    TaskGroup tasks;
    tasks.start([&](const std::stop_token& stop) { was_pushed = full.push(2, stop); });
    tasks.start([&](const std::stop_token& stop) { was_popped = empty.pop(stop).has_value(); });
    tasks.request_stop();
    tasks.wait();
    CHECK_FALSE(was_pushed);
    CHECK_FALSE(was_popped);
}

TEST_CASE("items may be movable only") {
    BoundedQueue<std::unique_ptr<int>> queue(1);
    REQUIRE(queue.push(std::make_unique<int>(5)));
    CHECK(**queue.pop() == 5);
}
