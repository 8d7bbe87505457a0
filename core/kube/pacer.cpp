// SPDX-License-Identifier: Apache-2.0
#include "core/kube/pacer.hpp"

#include <algorithm>

namespace backup::kube {

namespace {

constexpr std::chrono::milliseconds kFirstSpacing{20};
constexpr std::chrono::milliseconds kWidestSpacing{1000};

}  // namespace

Pacer::Duration Pacer::next(Time now) {
    auto state = state_.lock();
    const auto at = std::max(state->next_free, now);
    state->next_free = at + state->spacing;
    return at - now;
}

// Requests under way together are refused together: that is one sign of a busy server, not ten.
bool Pacer::slow_down(Time sent, Time now, Duration pause) {
    auto state = state_.lock();
    state->next_free = std::max(state->next_free, now + pause);
    if (sent < state->last_refusal) {
        return false;
    }
    state->last_refusal = now;
    state->spacing = std::clamp<Duration>(state->spacing * 2, kFirstSpacing, kWidestSpacing);
    return true;
}

void Pacer::speed_up() {
    auto state = state_.lock();
    state->spacing = state->spacing * 9 / 10;
    if (state->spacing < std::chrono::milliseconds(1)) {
        state->spacing = Duration{0};
    }
}

}  // namespace backup::kube
