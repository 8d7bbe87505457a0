// SPDX-License-Identifier: Apache-2.0
#include "tests/model/schedule.hpp"

#include "tests/support/catch.hpp"

#include <array>

using namespace backup;
using namespace backup::model_test;

namespace {

constexpr Troubles kNone = {0, 0, 0, 0, false, nullptr, nullptr};

/// As a thread that computes does, and not one that sleeps.
void compute_for(std::chrono::milliseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) {
    }
}

void call(Schedule& schedule, std::size_t client) {
    schedule.begin_call(client, "calls", "");
    schedule.end_call(client);
}

}  // namespace

TEST_CASE("no time passes for a thread that computes beside one that calls") {
    Schedule schedule(1, 2, kNone, StopRule::AllThreadsSleep);
    std::array<bool, 2> has_work = {true, true};
    TimePoint before;
    TimePoint behind;
    const Schedule::Work work = [&] {
        before = schedule.clock_of(0).now();
        TaskGroup helper;
        helper.start([&](const std::stop_token&) { call(schedule, 0); });
        compute_for(std::chrono::milliseconds(50));
        behind = schedule.clock_of(0).now();
        helper.wait();
    };
    const Schedule::Work others_work = [&] {
        for (int i = 0; i < 100; ++i) {
            call(schedule, 1);
        }
    };
    schedule.run([&](std::size_t client) -> Schedule::Work {
        if (!std::exchange(has_work.at(client), false)) {
            return nullptr;
        }
        return client == 0 ? work : others_work;
    });
    CHECK((behind - before).count() == 0);
}
