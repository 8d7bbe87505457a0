// SPDX-License-Identifier: Apache-2.0
// Threads for what has to wait for storage, so that those who talk to the kernel never do. Knows
// nothing of FUSE.
#pragma once

#include "core/base/task_group.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

namespace backup::fuse {

/// All functions may be called from any thread but those of the pool, unless they say so.
class IoPool {
  public:
    /// Threads are started when there is work for them, `most_threads` in the end.
    explicit IoPool(unsigned most_threads) : most_threads_(most_threads) {}

    ~IoPool() { stop(); }

    IoPool(const IoPool&) = delete;
    IoPool& operator=(const IoPool&) = delete;

    /// Also from threads of the pool. `work` must not throw. Dropped after stop().
    void submit(std::function<void()> work);

    /// Drops what has not begun and waits for what has.
    void stop();

    std::size_t waiting() const;

  private:
    void run();

    const unsigned most_threads_;
    mutable std::mutex mutex_;
    std::condition_variable filled_;
    std::deque<std::function<void()>> work_;
    unsigned threads_ = 0;
    unsigned idle_ = 0;
    bool is_stopped_ = false;
    TaskGroup group_;
};

}  // namespace backup::fuse
