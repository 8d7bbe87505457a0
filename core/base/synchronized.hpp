// SPDX-License-Identifier: Apache-2.0
// A value that can be reached only while its lock is held.
#pragma once

#include <condition_variable>
#include <mutex>
#include <utility>

namespace backup {

template <typename T>
class Synchronized {
  public:
    class Locked {
      public:
        Locked(std::mutex& mutex, T& value) : lock_(mutex), value_(value) {}

        T* operator->() { return &value_; }

        T& operator*() { return value_; }

        /// For waiting on a condition together with the value.
        std::unique_lock<std::mutex>& guard() { return lock_; }

      private:
        std::unique_lock<std::mutex> lock_;
        T& value_;
    };

    Synchronized() = default;

    explicit Synchronized(T value) : value_(std::move(value)) {}

    Locked lock() { return Locked(mutex_, value_); }

  private:
    std::mutex mutex_;
    T value_{};
};

}  // namespace backup
