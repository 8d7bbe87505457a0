// SPDX-License-Identifier: Apache-2.0
#include "core/base/task_group.hpp"

#include "core/base/error.hpp"

#include <system_error>
#include <utility>

namespace backup {

TaskGroup::TaskGroup(std::stop_token parent)
    : parent_(std::move(parent)),
      parent_link_(parent_, [this] { request_stop(); }) {}

TaskGroup::~TaskGroup() {
    request_stop();
    join_all();
}

void TaskGroup::start(std::function<void(std::stop_token)> task) {
    const std::scoped_lock lock(mutex_);
    auto body = [this, task = std::move(task), stop = stop_.get_token()] {
        try {
            task(stop);
        } catch (...) {
            keep_error(std::current_exception());
        }
    };
    try {
        threads_.emplace_back(std::move(body));
    } catch (const std::system_error& error) {
        throw system_error(error.code().value(), "start a thread");
    }
}

void TaskGroup::wait() {
    join_all();
    std::exception_ptr error;
    {
        const std::scoped_lock lock(mutex_);
        error = std::exchange(first_error_, nullptr);
        if (stop_.stop_requested()) {
            stop_ = std::stop_source();
        }
        if (parent_.stop_requested()) {
            stop_.request_stop();
        }
    }
    if (error) {
        std::rethrow_exception(error);
    }
}

void TaskGroup::request_stop() {
    // Outside the lock: what listens to the token may call back.
    current_stop().request_stop();
}

std::stop_token TaskGroup::stop_token() const {
    return current_stop().get_token();
}

std::stop_source TaskGroup::current_stop() const {
    const std::scoped_lock lock(mutex_);
    return stop_;
}

void TaskGroup::keep_error(std::exception_ptr error) {
    {
        const std::scoped_lock lock(mutex_);
        if (!first_error_) {
            first_error_ = std::move(error);
        }
    }
    request_stop();
}

void TaskGroup::join_all() {
    // A task may have started further ones.
    for (;;) {
        std::vector<std::jthread> joined;
        {
            const std::scoped_lock lock(mutex_);
            joined.swap(threads_);
        }
        if (joined.empty()) {
            return;
        }
        for (auto& thread : joined) {
            thread.join();
        }
    }
}

std::optional<Error> failure_of(const std::function<void()>& action) {
    try {
        action();
        return std::nullopt;
    } catch (const Error& error) {
        return error;
    }
}

}  // namespace backup
