// SPDX-License-Identifier: Apache-2.0
// A clock that stands still until it is moved.
#pragma once

#include "core/base/clock.hpp"

#include <mutex>
#include <string_view>

namespace backup::testing {

class FakeClock : public Clock {
  public:
    explicit FakeClock(std::string_view start = "2026-11-20T10:00:00Z")
        : now_(parse_rfc3339(start)) {}

    TimePoint now() override {
        const std::scoped_lock lock(mutex_);
        return now_;
    }

    std::chrono::steady_clock::time_point steady_now() override {
        const std::scoped_lock lock(mutex_);
        return steady_;
    }

    void advance(std::chrono::nanoseconds duration) {
        const std::scoped_lock lock(mutex_);
        now_ += duration;
        steady_ += std::chrono::duration_cast<std::chrono::steady_clock::duration>(duration);
    }

  private:
    std::mutex mutex_;
    TimePoint now_;
    std::chrono::steady_clock::time_point steady_{};
};

}  // namespace backup::testing
