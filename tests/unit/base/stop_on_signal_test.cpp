// SPDX-License-Identifier: Apache-2.0
#include "core/base/stop_on_signal.hpp"

#include "core/base/retry.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

#include <chrono>
#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

using namespace backup;
using namespace std::chrono_literals;

namespace {

/// Runs `body` in a process of its own and gives its wait status.
template <typename Body>
int status_of(Body body) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::alarm(100);
        ::_exit(body());
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return status;
}

int stopped_by(int number) {
    return status_of([number] {
        const StopOnSignal signals;
        ::kill(::getpid(), number);
        // Returns early, with false, only because of the signal.
        return sleep_for(1h, signals.token()) ? 1 : 0;
    });
}

}  // namespace

TEST_CASE("SIGINT and SIGTERM ask to stop") {
    CHECK(stopped_by(SIGINT) == 0);
    CHECK(stopped_by(SIGTERM) == 0);
}

TEST_CASE("a second signal ends the process") {
    const int status = status_of([] {
        const StopOnSignal signals;
        ::kill(::getpid(), SIGINT);
        sleep_for(1h, signals.token());
        ::kill(::getpid(), SIGINT);
        sleep_for(1h, {});
        return 1;
    });
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGINT);
}

TEST_CASE("an ignored signal stays ignored") {
    const int status = status_of([] {
        std::signal(SIGINT, SIG_IGN);
        const StopOnSignal signals;
        ::kill(::getpid(), SIGINT);
        ::kill(::getpid(), SIGTERM);
        sleep_for(1h, signals.token());
        // Were SIGINT watched too, it would have been the first and SIGTERM the end.
        return 0;
    });
    CHECK(status == 0);
}

TEST_CASE("without a signal nothing stops, and the mask is put back") {
    sigset_t before;
    sigset_t after;
    sigemptyset(&before);
    sigemptyset(&after);
    pthread_sigmask(SIG_SETMASK, nullptr, &before);
    {
        const StopOnSignal signals;
        CHECK_FALSE(signals.token().stop_requested());
        sigset_t during;
        pthread_sigmask(SIG_SETMASK, nullptr, &during);
        CHECK(sigismember(&during, SIGINT) == 1);
    }
    pthread_sigmask(SIG_SETMASK, nullptr, &after);
    CHECK(sigismember(&after, SIGINT) == sigismember(&before, SIGINT));
    CHECK(sigismember(&after, SIGTERM) == sigismember(&before, SIGTERM));
}

TEST_CASE("the safe point throws once stop was asked") {
    std::stop_source stop;
    throw_if_stopped(stop.get_token());
    throw_if_stopped({});
    stop.request_stop();
    CHECK(backup::testing::error_code_of([&] {
              throw_if_stopped(stop.get_token());
              return 0;
          }) == ErrorCode::Interrupted);
}
