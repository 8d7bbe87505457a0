// SPDX-License-Identifier: Apache-2.0
#include "core/base/retry.hpp"

#include "core/base/random.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace backup {

bool sleep_for(std::chrono::nanoseconds duration, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any never_notified;
    std::unique_lock lock(mutex);
    never_notified.wait_for(lock, stop, duration, [] { return false; });
    return !stop.stop_requested();
}

std::chrono::milliseconds pause_before(const RetryPolicy& policy, int attempt) {
    auto pause = std::min(policy.first_pause, policy.longest_pause);
    for (int i = 1; i < attempt && pause < policy.longest_pause; ++i) {
        pause = std::min(pause * 2, policy.longest_pause);
    }
    SystemRandom random;
    const auto per_mille = static_cast<std::chrono::milliseconds::rep>(random.number() % 501);
    return pause * (750 + per_mille) / 1000;
}

}  // namespace backup
