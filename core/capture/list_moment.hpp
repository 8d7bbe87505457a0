// SPDX-License-Identifier: Apache-2.0
// The resourceVersion at which the lists of a run are read, so that they show one moment. It lasts
// until the storage compacts it away (about five minutes); then the next list begins a new one.
#pragma once

#include "core/base/synchronized.hpp"

#include <string>
#include <utility>

namespace backup::capture {

/// Safe to call from many threads.
class ListMoment {
  public:
    /// Empty: there is none.
    std::string version() { return state_.lock()->version; }

    /// A list was begun at it; it is taken when there is none. A list that was begun at the one
    /// that expired last, and tells so late, brings nothing back.
    void offer(const std::string& version) {
        auto state = state_.lock();
        if (state->version.empty() && version != state->expired) {
            state->version = version;
        }
    }

    /// The server does not have it any more.
    void expire(const std::string& version) {
        auto state = state_.lock();
        if (state->version == version) {
            state->expired = std::exchange(state->version, {});
        }
    }

  private:
    struct State {
        std::string version;
        std::string expired;
    };

    Synchronized<State> state_;
};

}  // namespace backup::capture
