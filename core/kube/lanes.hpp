// SPDX-License-Identifier: Apache-2.0
// How many requests may be under way at once: all that the callers start until the API server says
// 429, then half as many, then step by step more again.
#pragma once

#include "core/base/synchronized.hpp"

#include <condition_variable>
#include <stop_token>

namespace backup::kube {

/// Safe to call from many threads.
class Lanes {
  public:
    explicit Lanes(unsigned widest = 64);

    /// One request under way; must not outlive the lanes.
    class Lane {
      public:
        explicit Lane(Lanes* lanes) : lanes_(lanes) {}

        Lane(const Lane&) = delete;
        Lane& operator=(const Lane&) = delete;

        ~Lane() { leave(); }

        /// Before its end.
        void leave();

      private:
        Lanes* lanes_;
    };

    /// Waits for a free lane; throws Interrupted.
    Lane enter(const std::stop_token& stop);
    /// Half of what is under way now, at least one.
    void narrow();
    /// A request went through; when as many did as there are lanes, there is one more.
    void widen();

    unsigned width();

  private:
    struct State {
        unsigned width = 1;
        unsigned busy = 0;
        unsigned passed = 0;
    };

    void leave();

    const unsigned widest_;
    Synchronized<State> state_;
    std::condition_variable_any changed_;
};

}  // namespace backup::kube
