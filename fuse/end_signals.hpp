// SPDX-License-Identifier: Apache-2.0
// The signals that end the daemon, as something a thread can wait for. Not as handlers: the order
// in which threads end matters (session.cpp), and a handler runs in any of them at any time.
#pragma once

#include "core/base/file_descriptor.hpp"

#include <chrono>
#include <csignal>
#include <pthread.h>
#include <stop_token>

namespace backup::fuse {

/// While it lives, SIGTERM, SIGINT and SIGHUP are blocked in this thread and in those it starts,
/// and SIGPIPE is ignored.
class EndSignals {
  public:
    EndSignals();
    EndSignals(const EndSignals&) = delete;
    EndSignals& operator=(const EndSignals&) = delete;
    ~EndSignals();

    /// True as soon as one of the signals has come or a stop is asked; false after `longest`.
    bool wait(std::chrono::milliseconds longest, const std::stop_token& stop) const;

    /// Makes the system call in which `thread` waits return EINTR; for as long as this lives.
    static void interrupt(pthread_t thread);

  private:
    sigset_t mask_before_{};

    struct sigaction interrupt_before_ {};

    FileDescriptor signals_;
    FileDescriptor stopped_;
};

}  // namespace backup::fuse
