// SPDX-License-Identifier: Apache-2.0
#include "fuse/end_signals.hpp"

#include "core/base/task_group.hpp"
#include "tests/support/catch.hpp"

#include <cerrno>
#include <unistd.h>

namespace backup::testing {
namespace {

constexpr std::chrono::milliseconds kLong{60'000};

TEST_CASE("without a signal the time passes") {
    const fuse::EndSignals signals;
    CHECK_FALSE(signals.wait(std::chrono::milliseconds(0), {}));
}

TEST_CASE("each signal that ends a program is waited for, also when it came before") {
    // That the test lives on shows that the object takes the signal with it.
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
        const fuse::EndSignals signals;
        ::kill(::getpid(), number);
        CHECK(signals.wait(kLong, {}));
        CHECK(signals.wait(kLong, {}));
    }
}

TEST_CASE("a stop ends the waiting") {
    const fuse::EndSignals signals;
    std::stop_source stop;
    TaskGroup threads;
    threads.start([&](const std::stop_token&) { CHECK(signals.wait(kLong, stop.get_token())); });
    stop.request_stop();
    threads.wait();
}

TEST_CASE("a waiting system call can be interrupted") {
    const fuse::EndSignals signals;
    int ends[2] = {-1, -1};
    REQUIRE(::pipe(ends) == 0);
    const auto reader = pthread_self();
    TaskGroup threads;
    threads.start([&](const std::stop_token& stop) {
        while (!signals.wait(std::chrono::milliseconds(1), stop)) {
            fuse::EndSignals::interrupt(reader);
        }
    });
    char byte = 0;
    CHECK(::read(ends[0], &byte, 1) == -1);
    CHECK(errno == EINTR);
    threads.request_stop();
    threads.wait();
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_CASE("afterwards everything is as it was") {
    sigset_t before;
    sigset_t after;
    pthread_sigmask(SIG_BLOCK, nullptr, &before);
    { const fuse::EndSignals signals; }
    pthread_sigmask(SIG_BLOCK, nullptr, &after);
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) {
        CHECK(sigismember(&before, number) == sigismember(&after, number));
    }
}

}  // namespace
}  // namespace backup::testing
