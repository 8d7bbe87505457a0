// SPDX-License-Identifier: Apache-2.0
// An amount that threads take from and give back: what bounds the memory of a pipeline.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>

namespace backup::volume {

class Budget {
  public:
    explicit Budget(std::uint64_t amount) : left_(amount), whole_(amount) {}

    /// Waits until so much is left. More than the whole is given as the whole; the caller gives
    /// back what it asked for. False on stop.
    bool take(std::uint64_t amount, const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        const std::uint64_t share = std::min(amount, whole_);
        if (!changed_.wait(lock, stop, [&] { return is_lifted_ || left_ >= share; })) {
            return false;
        }
        left_ -= std::min(share, left_);
        return true;
    }

    void give_back(std::uint64_t amount) {
        {
            const std::scoped_lock lock(mutex_);
            left_ = std::min(whole_, left_ + std::min(amount, whole_));
        }
        changed_.notify_all();
    }

    /// From now on nobody waits: what the amount bounded has come to its end.
    void lift() {
        {
            const std::scoped_lock lock(mutex_);
            is_lifted_ = true;
        }
        changed_.notify_all();
    }

  private:
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::uint64_t left_;
    std::uint64_t whole_;
    bool is_lifted_ = false;
};

}  // namespace backup::volume
