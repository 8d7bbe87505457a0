// SPDX-License-Identifier: Apache-2.0
#include "fuse/io_pool.hpp"

#include "tests/support/catch.hpp"

#include <atomic>
#include <latch>

namespace backup::testing {
namespace {

TEST_CASE("work of the pool waits side by side, as much as there are threads") {
    std::atomic<int> done = 0;
    fuse::IoPool pool(4);
    std::latch all_wait(4);
    for (int i = 0; i < 4; ++i) {
        pool.submit([&] {
            all_wait.arrive_and_wait();
            ++done;
        });
    }
    all_wait.wait();
    std::latch last(1);
    pool.submit([&] { last.count_down(); });
    last.wait();
    pool.stop();
    CHECK(done == 4);
}

TEST_CASE("a pool that is stopped finishes what it began and drops the rest") {
    std::atomic<int> done = 0;
    fuse::IoPool pool(1);
    std::latch begun(1);
    std::latch may_end(1);
    pool.submit([&] {
        begun.count_down();
        may_end.wait();
        ++done;
    });
    begun.wait();
    for (int i = 0; i < 10; ++i) {
        pool.submit([&done] { ++done; });
    }
    CHECK(pool.waiting() == 10);
    TaskGroup stopping;
    stopping.start([&](const std::stop_token&) { pool.stop(); });
    while (pool.waiting() != 0) {
    }
    may_end.count_down();
    stopping.wait();
    CHECK(done == 1);
    pool.submit([&done] { ++done; });
    CHECK(pool.waiting() == 0);
}

}  // namespace
}  // namespace backup::testing
