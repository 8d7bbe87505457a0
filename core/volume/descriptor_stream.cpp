// SPDX-License-Identifier: Apache-2.0
#include "core/volume/descriptor_stream.hpp"

#include "core/base/error.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace backup::volume {

Interrupter::Interrupter() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!event_) {
        throw system_error(errno, "eventfd");
    }
}

void Interrupter::interrupt() noexcept {
    const std::uint64_t one = 1;
    // Fails only when the counter is full, and then everybody is awake already.
    [[maybe_unused]] const auto written = ::write(event_.get(), &one, sizeof one);
}

DescriptorStream::DescriptorStream(int descriptor,
                                   const Interrupter& interrupter,
                                   std::optional<std::chrono::milliseconds> patience)
    : descriptor_(descriptor),
      interrupter_(interrupter),
      timeout_ms_(patience ? static_cast<int>(patience->count()) : -1) {
    const int flags = ::fcntl(descriptor_, F_GETFL);
    if (flags < 0 || ::fcntl(descriptor_, F_SETFL, flags | O_NONBLOCK) < 0) {
        throw system_error(errno, "set a stream to non-blocking");
    }
}

void DescriptorStream::wait_for(short events) {
    std::array<pollfd, 2> polled{pollfd{descriptor_, events, 0},
                                 pollfd{interrupter_.descriptor(), POLLIN, 0}};
    const int count = ::poll(polled.data(), polled.size(), timeout_ms_);
    if (count < 0 && errno != EINTR) {
        throw system_error(errno, "wait for a stream");
    }
    if (count == 0) {
        throw Error(ErrorCode::TimedOut, "no sign of life from the other side of the transfer");
    }
    if (polled[1].revents != 0) {
        throw Error(ErrorCode::Interrupted, "interrupted");
    }
}

std::size_t DescriptorStream::read(std::span<std::byte> buffer) {
    for (;;) {
        const auto count = ::read(descriptor_, buffer.data(), buffer.size());
        if (count >= 0) {
            return static_cast<std::size_t>(count);
        }
        if (errno != EAGAIN && errno != EINTR) {
            throw system_error(errno, "read a stream");
        }
        wait_for(POLLIN);
    }
}

void DescriptorStream::write(ByteView bytes) {
    const int failure = write_whole(bytes, [this](ByteView rest) {
        ssize_t count = 0;
        while ((count = ::write(descriptor_, rest.data(), rest.size())) < 0 && errno == EAGAIN) {
            wait_for(POLLOUT);
        }
        return count;
    });
    if (failure != 0) {
        throw system_error(failure, "write to a stream");
    }
}

}  // namespace backup::volume
