// SPDX-License-Identifier: Apache-2.0
#include "core/base/each_at_once.hpp"

#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"

#include <algorithm>
#include <atomic>

namespace backup {

void each_at_once(std::size_t count,
                  std::size_t at_once,
                  const std::function<void(std::size_t, const std::stop_token&)>& action,
                  const std::stop_token& stop) {
    std::atomic<std::size_t> next = 0;
    TaskGroup tasks(stop);
    for (std::size_t i = 0; i < std::min(count, at_once); ++i) {
        tasks.start([&](const std::stop_token& stopping) {
            for (auto at = next++; at < count; at = next++) {
                throw_if_stopped(stopping);
                action(at, stopping);
            }
        });
    }
    tasks.wait();
}

}  // namespace backup
