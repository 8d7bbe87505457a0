// SPDX-License-Identifier: Apache-2.0
#include "fuse/io_pool.hpp"

#include <utility>

namespace backup::fuse {

void IoPool::submit(std::function<void()> work) {
    const std::scoped_lock lock(mutex_);
    if (is_stopped_) {
        return;
    }
    work_.push_back(std::move(work));
    if (work_.size() > idle_ && threads_ < most_threads_) {
        group_.start([this](const std::stop_token&) { run(); });
        ++threads_;
    }
    filled_.notify_one();
}

void IoPool::stop() {
    std::deque<std::function<void()>> dropped;
    {
        const std::scoped_lock lock(mutex_);
        is_stopped_ = true;
        dropped.swap(work_);
    }
    filled_.notify_all();
    group_.wait();
}

std::size_t IoPool::waiting() const {
    const std::scoped_lock lock(mutex_);
    return work_.size();
}

void IoPool::run() {
    std::unique_lock lock(mutex_);
    while (!is_stopped_) {
        if (work_.empty()) {
            ++idle_;
            filled_.wait(lock, [this] { return is_stopped_ || !work_.empty(); });
            --idle_;
            continue;
        }
        auto work = std::move(work_.front());
        work_.pop_front();
        lock.unlock();
        work();
        // What it holds may take a while to go.
        work = nullptr;
        lock.lock();
    }
}

}  // namespace backup::fuse
