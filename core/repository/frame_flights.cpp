// SPDX-License-Identifier: Apache-2.0
#include "core/repository/frame_flights.hpp"

#include "core/base/patience.hpp"

namespace backup::repository {

namespace {

std::uint64_t key_of(std::uint32_t pack, std::uint32_t frame) {
    return std::uint64_t{pack} << 32U | frame;
}

}  // namespace

std::uint32_t FrameFlights::take(std::uint32_t pack,
                                 std::uint32_t first,
                                 std::uint32_t most,
                                 const std::function<bool(std::uint32_t)>& is_enough) {
    const std::scoped_lock lock(mutex_);
    std::uint32_t count = 0;
    while (count < most && !is_enough(first + count) &&
           flying_.insert(key_of(pack, first + count)).second) {
        ++count;
    }
    return count;
}

void FrameFlights::land(std::uint32_t pack, std::uint32_t frame) {
    {
        const std::scoped_lock lock(mutex_);
        flying_.erase(key_of(pack, frame));
    }
    landed_.notify_all();
}

void FrameFlights::wait(std::uint32_t pack, std::uint32_t frame) {
    need_patience();
    std::unique_lock lock(mutex_);
    landed_.wait(lock, [&] { return !flying_.contains(key_of(pack, frame)); });
}

}  // namespace backup::repository
