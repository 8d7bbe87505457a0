// SPDX-License-Identifier: Apache-2.0
#include "core/base/rate_limit.hpp"

#include "core/base/retry.hpp"
#include "core/base/units.hpp"

#include <algorithm>

namespace backup {

namespace {

using Nanoseconds = std::chrono::nanoseconds;

constexpr std::uint64_t kPiecesPerSecond = 50;
/// A thread that woke up late may catch up, but no more than this.
constexpr Nanoseconds kLateness = std::chrono::milliseconds(40);

}  // namespace

std::uint64_t RateLimit::piece() const {
    const std::uint64_t rate = bytes_per_second_;
    return rate == 0 ? std::uint64_t{1} << 62U
                     : std::max<std::uint64_t>(rate / kPiecesPerSecond, 1);
}

std::chrono::nanoseconds RateLimit::reserve(std::uint64_t bytes) {
    const std::uint64_t rate = bytes_per_second_;
    if (rate == 0) {
        return Nanoseconds{0};
    }
    constexpr double kSecond = 1e9;
    const auto seconds = static_cast<double>(bytes) / static_cast<double>(rate);
    const std::scoped_lock lock(mutex_);
    const auto now = clock_.steady_now();
    if (!has_begun_) {
        has_begun_ = true;
        free_at_ = now;
    }
    free_at_ = std::max(free_at_, now - kLateness) +
               Nanoseconds(static_cast<Nanoseconds::rep>(seconds * kSecond));
    return std::max(Nanoseconds{0}, Nanoseconds(free_at_ - now));
}

bool RateLimit::wait_for(std::uint64_t bytes, const std::stop_token& stop) {
    while (bytes > 0 && is_limited()) {
        const auto now = std::min(bytes, piece());
        bytes -= now;
        if (!sleep_for(reserve(now), stop)) {
            return false;
        }
    }
    return !stop.stop_requested();
}

std::uint64_t parse_rate(std::string_view text) {
    constexpr std::string_view kPerSecond = "/s";
    if (text.ends_with(kPerSecond)) {
        text.remove_suffix(kPerSecond.size());
    }
    return parse_size(text);
}

}  // namespace backup
