// SPDX-License-Identifier: Apache-2.0
// Proves that calls run at the same time: each waits here until so many have come.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace backup::testing {

class Meeting {
  public:
    explicit Meeting(std::size_t guests) : guests_(guests) {}

    /// Waits for the others; not for ever, so that a test of what comes one by one fails.
    void arrive() {
        std::unique_lock lock(mutex_);
        ++here_;
        has_met_ = has_met_ || here_ >= guests_;
        changed_.notify_all();
        changed_.wait_for(lock, kPatience, [this] { return has_met_; });
        --here_;
    }

    bool has_met() {
        const std::scoped_lock lock(mutex_);
        return has_met_;
    }

  private:
    static constexpr std::chrono::seconds kPatience{60};

    const std::size_t guests_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t here_ = 0;
    bool has_met_ = false;
};

}  // namespace backup::testing
