// SPDX-License-Identifier: Apache-2.0
// How fast requests may go out: as fast as they can until the API server says 429, then slower,
// then step by step faster again. There is no fixed limit.
#pragma once

#include "core/base/synchronized.hpp"

#include <chrono>

namespace backup::kube {

/// Safe to call from many threads. Time is steady time of the caller's clock.
class Pacer {
  public:
    using Time = std::chrono::steady_clock::time_point;
    using Duration = std::chrono::steady_clock::duration;

    /// Takes the next place in line: how long to wait before sending.
    Duration next(Time now);
    /// The server was too busy for a request sent at `sent`, and wants to be left alone for so
    /// long. False: others were refused since, and that counted already.
    bool slow_down(Time sent, Time now, Duration pause);
    /// A request went through.
    void speed_up();

  private:
    struct State {
        Time next_free{};
        Duration spacing{0};
        Time last_refusal{Time::min()};
    };

    Synchronized<State> state_;
};

}  // namespace backup::kube
