// SPDX-License-Identifier: Apache-2.0
// Tries again what may succeed the next time (Error::is_retryable), with growing pauses and jitter.
#pragma once

#include "core/base/error.hpp"

#include <chrono>
#include <functional>
#include <stop_token>
#include <utility>

namespace backup {

struct RetryPolicy {
    int attempts = 5;
    std::chrono::milliseconds first_pause{200};
    std::chrono::milliseconds longest_pause{10'000};
};

/// Waits, but wakes at once (and returns false) when stop is asked.
bool sleep_for(std::chrono::nanoseconds duration, const std::stop_token& stop);

/// Pause before attempt `attempt` (1 = the first retry), with jitter of +-25 %.
std::chrono::milliseconds pause_before(const RetryPolicy& policy, int attempt);

/// The result of `action`, tried again while it throws an Error for which `may_retry` is true and
/// attempts are left.
template <typename MayRetry, typename Action>
auto retry_if(const RetryPolicy& policy,
              const std::stop_token& stop,
              MayRetry&& may_retry,
              Action&& action) {
    for (int attempt = 1;; ++attempt) {
        try {
            return action();
        } catch (const Error& error) {
            if (attempt >= policy.attempts || !may_retry(error)) {
                throw;
            }
        }
        if (!sleep_for(pause_before(policy, attempt), stop)) {
            throw Error(ErrorCode::Interrupted, "interrupted while waiting to try again");
        }
    }
}

/// The same for every retryable Error.
template <typename Action>
auto retry(const RetryPolicy& policy, const std::stop_token& stop, Action&& action) {
    return retry_if(
        policy,
        stop,
        [](const Error& error) { return error.is_retryable(); },
        std::forward<Action>(action));
}

}  // namespace backup
