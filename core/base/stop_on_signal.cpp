// SPDX-License-Identifier: Apache-2.0
#include "core/base/stop_on_signal.hpp"

#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/task_group.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace backup {

namespace {

/// Signals a parent set to be ignored (a job in the background of a script) stay ignored.
sigset_t watched_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGINT, SIGTERM}) {
        struct sigaction current {};

        if (sigaction(number, nullptr, &current) == 0 && current.sa_handler != SIG_IGN) {
            sigaddset(&set, number);
        }
    }
    return set;
}

/// The default action, so that the parent sees that a signal ended this process.
void die_of(int number) {
    std::signal(number, SIG_DFL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    ::kill(::getpid(), number);
}

FileDescriptor checked(int number, std::string_view what) {
    if (number < 0) {
        throw system_error(errno, what);
    }
    return FileDescriptor(number);
}

}  // namespace

/// The signals are blocked and read from a descriptor: no handler, hence nothing global. Threads
/// started later inherit the mask, so this object is made before all others.
struct StopOnSignal::State {
    sigset_t watched = watched_signals();
    sigset_t mask_before{};
    FileDescriptor signals;
    FileDescriptor wake = checked(::eventfd(0, EFD_CLOEXEC), "eventfd");
    std::stop_source stop;
    TaskGroup watcher;

    State() {
        pthread_sigmask(SIG_BLOCK, &watched, &mask_before);
        signals = checked(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd");
        watcher.start([this](const std::stop_token&) { watch(); });
    }

    State(const State&) = delete;
    State& operator=(const State&) = delete;

    ~State() {
        const std::uint64_t one = 1;
        if (::write(wake.get(), &one, sizeof one) == sizeof one) {
            watcher.wait();
        }
        pthread_sigmask(SIG_SETMASK, &mask_before, nullptr);
    }

    void watch() {
        std::array<pollfd, 2> polled{pollfd{signals.get(), POLLIN, 0},
                                     pollfd{wake.get(), POLLIN, 0}};
        while (polled[1].revents == 0) {
            if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) {
                throw system_error(errno, "wait for signals");
            }
            signalfd_siginfo info{};
            if (::read(signals.get(), &info, sizeof info) != sizeof info) {
                continue;
            }
            if (!stop.request_stop()) {
                die_of(static_cast<int>(info.ssi_signo));
            }
        }
    }
};

StopOnSignal::StopOnSignal() : state_(std::make_unique<State>()) {}

StopOnSignal::~StopOnSignal() = default;

std::stop_token StopOnSignal::token() const {
    return state_->stop.get_token();
}

void throw_if_stopped(const std::stop_token& stop) {
    if (stop.stop_requested()) {
        throw Error(ErrorCode::Interrupted, "interrupted");
    }
}

}  // namespace backup
