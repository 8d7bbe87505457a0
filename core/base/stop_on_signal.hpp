// SPDX-License-Identifier: Apache-2.0
// SIGINT and SIGTERM as a stop token. A second signal of the kind ends the process at once.
#pragma once

#include <memory>
#include <stop_token>

namespace backup {

class StopOnSignal {
  public:
    StopOnSignal();
    ~StopOnSignal();
    StopOnSignal(const StopOnSignal&) = delete;
    StopOnSignal& operator=(const StopOnSignal&) = delete;

    std::stop_token token() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Throws Interrupted when stop was asked: called at the safe points of long work.
void throw_if_stopped(const std::stop_token& stop);

}  // namespace backup
