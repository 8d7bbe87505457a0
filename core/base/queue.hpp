// SPDX-License-Identifier: Apache-2.0
// A bounded queue between two stages of a pipeline: its capacity is the memory the pipeline may
// use.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

namespace backup {

template <typename T>
class BoundedQueue {
  public:
    explicit BoundedQueue(std::size_t capacity) : capacity_(capacity) {}

    /// Waits for room. False (and the item is dropped) when the queue is closed or stop is asked.
    bool push(T item, std::stop_token stop = {}) {
        std::unique_lock lock(mutex_);
        room_.wait(lock, stop, [this] { return closed_ || items_.size() < capacity_; });
        if (closed_ || stop.stop_requested()) {
            return false;
        }
        items_.push_back(std::move(item));
        lock.unlock();
        filled_.notify_one();
        return true;
    }

    /// Waits for an item. Empty when the queue is closed and drained, or stop is asked.
    std::optional<T> pop(std::stop_token stop = {}) {
        std::unique_lock lock(mutex_);
        filled_.wait(lock, stop, [this] { return closed_ || !items_.empty(); });
        if (items_.empty() || stop.stop_requested()) {
            return std::nullopt;
        }
        T item = std::move(items_.front());
        items_.pop_front();
        lock.unlock();
        room_.notify_one();
        return item;
    }

    /// What is there already can still be popped; nothing more gets in.
    void close() {
        {
            const std::scoped_lock lock(mutex_);
            closed_ = true;
        }
        room_.notify_all();
        filled_.notify_all();
    }

  private:
    std::mutex mutex_;
    std::condition_variable_any room_;
    std::condition_variable_any filled_;
    std::deque<T> items_;
    std::size_t capacity_;
    bool closed_ = false;
};

}  // namespace backup
