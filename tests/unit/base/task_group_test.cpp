// SPDX-License-Identifier: Apache-2.0
#include "core/base/task_group.hpp"

#include "core/base/retry.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

#include <atomic>
#include <stdexcept>

using namespace backup;
using namespace std::chrono_literals;
using backup::testing::error_of;

namespace {

Error error_of_wait(TaskGroup& tasks) {
    return error_of([&] {
        tasks.wait();
        return 0;
    });
}

void wait_for_stop(const std::stop_token& stop) {
    sleep_for(1h, stop);
}

}  // namespace

TEST_CASE("wait joins all tasks") {
    TaskGroup tasks;
    std::atomic<int> done = 0;
    for (int i = 0; i < 20; ++i) {
        tasks.start([&done](const std::stop_token&) { ++done; });
    }
    tasks.wait();
    CHECK(done == 20);
}

TEST_CASE("the first error stops the others and comes out of wait") {
    TaskGroup tasks;
    std::atomic<bool> other_stopped = false;
    tasks.start([&](const std::stop_token& stop) {
        wait_for_stop(stop);
        other_stopped = stop.stop_requested();
        throw Error(ErrorCode::Interrupted, "a consequence");
    });
    tasks.start([](const std::stop_token&) { throw Error(ErrorCode::NoSpace, "the cause"); });
    CHECK(error_of_wait(tasks).code() == ErrorCode::NoSpace);
    CHECK(other_stopped);
}

TEST_CASE("foreign exceptions come out of wait too") {
    TaskGroup tasks;
    tasks.start([](const std::stop_token&) { throw std::runtime_error("x"); });
    CHECK_THROWS_AS(tasks.wait(), std::runtime_error);
}

TEST_CASE("a group can be used again after an error and after a stop") {
    TaskGroup tasks;
    tasks.start([](const std::stop_token&) { throw Error(ErrorCode::Io, "x"); });
    CHECK(error_of_wait(tasks).code() == ErrorCode::Io);
    tasks.request_stop();
    tasks.wait();
    std::atomic<bool> stopped = true;
    tasks.start([&](const std::stop_token& stop) { stopped = stop.stop_requested(); });
    tasks.wait();
    CHECK_FALSE(stopped);
}

TEST_CASE("stop of the parent is handed on, also after a reuse") {
    std::stop_source parent;
    TaskGroup tasks(parent.get_token());
    tasks.request_stop();
    tasks.wait();
    tasks.start(wait_for_stop);
    parent.request_stop();
    tasks.wait();
    tasks.start(wait_for_stop);
    tasks.wait();
    CHECK(tasks.stop_token().stop_requested());
}

TEST_CASE("a parent that stopped before stops the group from its beginning") {
    std::stop_source parent;
    parent.request_stop();
    TaskGroup tasks(parent.get_token());
    tasks.start(wait_for_stop);
    tasks.wait();
}

TEST_CASE("the end of a group stops and joins its tasks") {
    std::atomic<bool> ended = false;
    {
        TaskGroup tasks;
        tasks.start([&](const std::stop_token& stop) {
            wait_for_stop(stop);
            ended = true;
            throw Error(ErrorCode::Io, "dropped");
        });
    }
    CHECK(ended);
}

TEST_CASE("a task may start another") {
    TaskGroup tasks;
    std::atomic<int> done = 0;
    tasks.start([&](const std::stop_token&) {
        tasks.start([&](const std::stop_token&) { ++done; });
        ++done;
    });
    tasks.wait();
    CHECK(done == 2);
}
