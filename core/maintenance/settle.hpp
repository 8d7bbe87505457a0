// SPDX-License-Identifier: Apache-2.0
// Ends sessions whose writers did not: completes what was decided, fences what fell silent.
#pragma once

#include "core/base/problem.hpp"
#include "core/base/random.hpp"
#include "core/repository/session_store.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace backup::maintenance {

struct SettleOptions {
    std::string own_session;       // left alone
    std::int64_t now_seconds = 0;  // by the storage's clock
    std::chrono::nanoseconds timeout{};
    bool dry_run = false;
};

struct SettledSessions {
    std::vector<repository::SessionState> open;   // still at work, for all that can be known
    std::vector<repository::SessionState> ended;  // to be removed when all else is done
    std::uint64_t completed = 0;                  // points that appeared
    std::uint64_t expired = 0;
    std::vector<Problem> problems;
};

/// Durable when it returns. A young ticket is left to its writer, which is about to complete it.
SettledSessions settle_sessions(const repository::Repository& repository,
                                const SettleOptions& options,
                                Random& random);

}  // namespace backup::maintenance
