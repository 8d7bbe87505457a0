// SPDX-License-Identifier: Apache-2.0
#include "fuse/end_signals.hpp"

#include "core/base/error.hpp"

#include <array>
#include <cerrno>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace backup::fuse {

namespace {

constexpr int kInterrupt = SIGUSR1;

void do_nothing(int /*signal*/) {}

}  // namespace

EndSignals::EndSignals() {
    sigset_t ends;
    sigemptyset(&ends);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) {
        sigaddset(&ends, number);
    }
    signals_ = FileDescriptor(::signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK));
    stopped_ = FileDescriptor(::eventfd(0, EFD_CLOEXEC));
    if (!signals_ || !stopped_) {
        throw system_error(errno, "wait for signals");
    }
    pthread_sigmask(SIG_BLOCK, &ends, &mask_before_);
    std::signal(SIGPIPE, SIG_IGN);

    struct sigaction interrupt {};

    // Without SA_RESTART.
    interrupt.sa_handler = do_nothing;
    ::sigaction(kInterrupt, &interrupt, &interrupt_before_);
    sigset_t interrupts;
    sigemptyset(&interrupts);
    sigaddset(&interrupts, kInterrupt);
    pthread_sigmask(SIG_UNBLOCK, &interrupts, nullptr);
}

EndSignals::~EndSignals() {
    // What was waited for has been obeyed: it must not end the process now.
    signalfd_siginfo taken{};
    while (::read(signals_.get(), &taken, sizeof(taken)) > 0) {
    }
    pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
    ::sigaction(kInterrupt, &interrupt_before_, nullptr);
}

bool EndSignals::wait(std::chrono::milliseconds longest, const std::stop_token& stop) const {
    const std::stop_callback wake(stop, [this] { ::eventfd_write(stopped_.get(), 1); });
    std::array<pollfd, 2> watched = {pollfd{signals_.get(), POLLIN, 0},
                                     pollfd{stopped_.get(), POLLIN, 0}};
    return ::poll(watched.data(), watched.size(), static_cast<int>(longest.count())) > 0;
}

void EndSignals::interrupt(pthread_t thread) {
    pthread_kill(thread, kInterrupt);
}

}  // namespace backup::fuse
