// SPDX-License-Identifier: Apache-2.0
#include "core/kube/lanes.hpp"

#include "core/base/stop_on_signal.hpp"

#include <algorithm>
#include <utility>

namespace backup::kube {

Lanes::Lanes(unsigned widest) : widest_(std::max(widest, 1U)), state_(State{widest_, 0, 0}) {}

Lanes::Lane Lanes::enter(const std::stop_token& stop) {
    auto state = state_.lock();
    changed_.wait(state.guard(), stop, [&state] { return state->busy < state->width; });
    throw_if_stopped(stop);
    ++state->busy;
    return Lane(this);
}

void Lanes::Lane::leave() {
    if (auto* lanes = std::exchange(lanes_, nullptr)) {
        lanes->leave();
    }
}

void Lanes::leave() {
    --state_.lock()->busy;
    changed_.notify_one();
}

void Lanes::narrow() {
    auto state = state_.lock();
    state->width = std::max(std::min(state->width, state->busy) / 2, 1U);
    state->passed = 0;
}

void Lanes::widen() {
    {
        auto state = state_.lock();
        if (state->width == widest_ || ++state->passed < state->width) {
            return;
        }
        state->passed = 0;
        ++state->width;
    }
    changed_.notify_one();
}

unsigned Lanes::width() {
    return state_.lock()->width;
}

}  // namespace backup::kube
