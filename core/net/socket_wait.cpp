// SPDX-License-Identifier: Apache-2.0
#include "core/net/socket_wait.hpp"

#include "core/base/error.hpp"
#include "core/base/stop_on_signal.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <poll.h>
#include <sys/eventfd.h>

namespace backup::net {

WakeUp::WakeUp() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!fd_) {
        throw system_error(errno, "eventfd");
    }
}

void WakeUp::wake() const noexcept {
    ::eventfd_write(fd_.get(), 1);
}

void WakeUp::clear() const noexcept {
    eventfd_t count = 0;
    ::eventfd_read(fd_.get(), &count);
}

SocketWait::SocketWait(std::stop_token stop, std::chrono::milliseconds timeout)
    : stop_(std::move(stop)),
      deadline_(std::chrono::steady_clock::now() + timeout),
      on_stop_(stop_, [this] { wake_.wake(); }) {}

void SocketWait::until_readable(int socket) {
    wait(socket, POLLIN);
}

void SocketWait::until_writable(int socket) {
    wait(socket, POLLOUT);
}

void SocketWait::wait(int socket, short events) {
    throw_if_stopped(stop_);
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline_ - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
        throw Error(ErrorCode::TimedOut, "the server did not answer in time").retryable();
    }
    poll_socket(socket, events, wake_, std::min(left, std::chrono::milliseconds(60'000)));
    throw_if_stopped(stop_);
}

short poll_socket(int socket, short events, const WakeUp& wake, std::chrono::milliseconds longest) {
    // A hang-up is reported even when nothing was asked for: then the socket is left out.
    const int watched = events == 0 ? -1 : socket;
    std::array<pollfd, 2> polled{pollfd{watched, events, 0}, pollfd{wake.descriptor(), POLLIN, 0}};
    const int timeout = static_cast<int>(std::max<std::int64_t>(longest.count(), 0));
    const int count = ::poll(polled.data(), polled.size(), timeout);
    if (count < 0 && errno != EINTR) {
        throw system_error(errno, "poll");
    }
    return count > 0 ? polled[0].revents : short{0};
}

}  // namespace backup::net
