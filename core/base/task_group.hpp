// SPDX-License-Identifier: Apache-2.0
// The only place that starts threads. The first error stops the others and comes out of wait().
#pragma once

#include "core/base/error.hpp"

#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

namespace backup {

class TaskGroup {
  public:
    /// Stop of `parent` is handed on to the tasks.
    explicit TaskGroup(std::stop_token parent = {});
    /// Asks the tasks to stop and joins them; errors nobody waited for are dropped.
    ~TaskGroup();
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    /// Also from inside a task. Not while another thread is in wait(), unless from a task.
    void start(std::function<void(std::stop_token)> task);
    /// Joins all tasks; rethrows the first error. Afterwards the group can be used again.
    void wait();
    /// From any thread; lasts until wait() has returned.
    void request_stop();
    std::stop_token stop_token() const;

  private:
    std::stop_source current_stop() const;
    void keep_error(std::exception_ptr error);
    void join_all();

    mutable std::mutex mutex_;
    std::stop_source stop_;
    std::exception_ptr first_error_;
    std::vector<std::jthread> threads_;
    std::stop_token parent_;
    // Last: its callback may run until it is destroyed, and uses the members above.
    std::stop_callback<std::function<void()>> parent_link_;
};

/// Runs `action` and gives the Error it ended with as data: for a task whose failure others have to
/// see before anybody waits for it.
std::optional<Error> failure_of(const std::function<void()>& action);

}  // namespace backup
