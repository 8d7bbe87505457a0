// SPDX-License-Identifier: Apache-2.0
// Waiting for a socket with poll(2) that stop can end, and a wake-up other threads can give.
#pragma once

#include "core/base/file_descriptor.hpp"

#include <chrono>
#include <functional>
#include <stop_token>

namespace backup::net {

/// A descriptor that becomes readable when wake() is called, from any thread (eventfd).
class WakeUp {
  public:
    WakeUp();
    void wake() const noexcept;
    /// Makes it unreadable again.
    void clear() const noexcept;

    int descriptor() const { return fd_.get(); }

  private:
    FileDescriptor fd_;
};

/// Waits against one deadline; throws TimedOut, or Interrupted on stop.
class SocketWait {
  public:
    SocketWait(std::stop_token stop, std::chrono::milliseconds timeout);

    void until_readable(int socket);
    void until_writable(int socket);

  private:
    void wait(int socket, short events);

    std::stop_token stop_;
    std::chrono::steady_clock::time_point deadline_;
    WakeUp wake_;
    std::stop_callback<std::function<void()>> on_stop_;
};

/// One poll(2) of a socket and a wake-up, for at most `longest`. The answer: revents of the socket.
short poll_socket(int socket, short events, const WakeUp& wake, std::chrono::milliseconds longest);

}  // namespace backup::net
