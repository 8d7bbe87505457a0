// SPDX-License-Identifier: Apache-2.0
// Many small things that are mostly waiting for somebody else, several at a time.
#pragma once

#include <cstddef>
#include <functional>
#include <stop_token>

namespace backup {

/// Calls action(0) to action(count - 1), up to `at_once` of them at a time and in no order, and
/// waits for them. The first error stops the others and is thrown; Interrupted when `stop` was
/// asked before all were begun.
void each_at_once(std::size_t count,
                  std::size_t at_once,
                  const std::function<void(std::size_t, const std::stop_token&)>& action,
                  const std::stop_token& stop);

}  // namespace backup
