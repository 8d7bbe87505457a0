// SPDX-License-Identifier: Apache-2.0
// How fast bytes may pass: tells when, does not move them. What was not used is not saved up, so
// there is never a burst.
#pragma once

#include "core/base/clock.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <string_view>

namespace backup {

/// Safe to be used by many threads: they share the rate.
class RateLimit {
  public:
    /// 0: no limit. `clock` must outlive this.
    RateLimit(std::uint64_t bytes_per_second, Clock& clock)
        : bytes_per_second_(bytes_per_second),
          clock_(clock) {}

    bool is_limited() const { return bytes_per_second_ != 0; }

    /// For what passes from now on. What was booked keeps its time.
    void set_rate(std::uint64_t bytes_per_second) { bytes_per_second_ = bytes_per_second; }

    /// The most that should pass at once, so that a window of a second never sees more than a few
    /// per cent too much.
    std::uint64_t piece() const;

    /// Books `bytes` and says how long to wait before they pass.
    std::chrono::nanoseconds reserve(std::uint64_t bytes);

    /// reserve() and the wait, in pieces. False as soon as stop is asked.
    bool wait_for(std::uint64_t bytes, const std::stop_token& stop);

  private:
    std::atomic<std::uint64_t> bytes_per_second_;
    Clock& clock_;
    std::mutex mutex_;
    std::chrono::steady_clock::time_point free_at_;  // all that was booked has passed by then
    bool has_begun_ = false;
};

/// "10MiB", "500k", "10MiB/s": bytes a second, binary multiples; "0": no limit. Throws
/// InvalidArgument.
std::uint64_t parse_rate(std::string_view text);

}  // namespace backup
