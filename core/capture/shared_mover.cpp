// SPDX-License-Identifier: Apache-2.0
#include "core/capture/shared_mover.hpp"

#include "core/base/task_group.hpp"

#include <utility>

namespace backup::capture {

bool is_about_the_way(const Error& error) {
    switch (error.code()) {
        case ErrorCode::ExecFailed:
        case ErrorCode::ClusterUnreachable:
        case ErrorCode::KubeServerError:
        case ErrorCode::KubeThrottled:
        case ErrorCode::TimedOut:
            return true;
        default:
            return error.is_retryable();
    }
}

std::shared_ptr<volume::Mover> SharedMover::get(int attempt) {
    const std::scoped_lock lock(mutex_);
    const bool is_worth_trying =
        !failure_ || (attempt > failed_attempt_ && is_about_the_way(*failure_));
    if (!mover_ && is_worth_trying) {
        start(attempt);
    }
    if (failure_) {
        throw Error(*failure_);
    }
    return mover_;
}

void SharedMover::start(int attempt) {
    failed_attempt_ = attempt;
    failure_ = failure_of([this] {
        mover_ = start_([this](const Error& problem) { leftovers_.push_back(problem); });
    });
}

std::unique_ptr<volume::Channel> SharedMover::open_channel(volume::Mover& mover) {
    const std::scoped_lock lock(mutex_);
    return mover.open_channel();
}

bool SharedMover::has_failed() {
    const std::scoped_lock lock(mutex_);
    return failure_.has_value();
}

volume::MoverEnd SharedMover::look_after(const std::shared_ptr<volume::Mover>& mover) {
    const std::scoped_lock lock(mutex_);
    if (mover != mover_) {
        return {true, false, "it was replaced"};
    }
    auto end = mover->find_end();
    if (end.has_ended) {
        close(std::exchange(mover_, nullptr));
    }
    return end;
}

std::vector<Error> SharedMover::leave() {
    const std::scoped_lock lock(mutex_);
    if (--users_ > 0) {
        return {};
    }
    close(std::exchange(mover_, nullptr));
    return std::exchange(leftovers_, {});
}

void SharedMover::close(std::shared_ptr<volume::Mover> mover) {
    if (!mover) {
        return;
    }
    if (const auto problem = failure_of([&mover] { mover->close(); })) {
        leftovers_.push_back(*problem);
    }
}

}  // namespace backup::capture
