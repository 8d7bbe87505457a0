// SPDX-License-Identifier: Apache-2.0
#include "core/capture/shared_mover.hpp"

#include "core/base/task_group.hpp"

#include <utility>

namespace backup::capture {

std::shared_ptr<volume::Mover> SharedMover::get() {
    const std::scoped_lock lock(mutex_);
    if (!mover_ && !failure_) {
        failure_ = failure_of([this] { mover_ = start_(); });
    }
    if (failure_) {
        throw Error(*failure_);
    }
    return mover_;
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
        // It may be gone already; what stays is found by `cleanup`.
        static_cast<void>(close(std::exchange(mover_, nullptr)));
    }
    return end;
}

std::optional<Error> SharedMover::leave() {
    const std::scoped_lock lock(mutex_);
    if (--users_ > 0) {
        return std::nullopt;
    }
    return close(std::exchange(mover_, nullptr));
}

std::optional<Error> SharedMover::close(std::shared_ptr<volume::Mover> mover) {
    return mover ? failure_of([&mover] { mover->close(); }) : std::nullopt;
}

}  // namespace backup::capture
