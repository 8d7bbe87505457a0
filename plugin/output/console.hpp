// SPDX-License-Identifier: Apache-2.0
// Standard error, shared by messages, the log and one progress line: a message never ends up in the
// middle of the progress line. Thread-safe.
#pragma once

#include "core/base/synchronized.hpp"

#include <iosfwd>
#include <string>
#include <string_view>

namespace backup::plugin {

class Console {
  public:
    explicit Console(std::ostream& err) : state_(State{&err, {}}) {}

    /// Prints whole lines (a newline is added when there is none); a progress line moves down.
    void print(std::string_view text);
    /// Replaces the progress line; empty takes it away. Only for terminals.
    void show_progress(std::string_view line);

  private:
    struct State {
        std::ostream* err = nullptr;
        std::string progress;
    };

    Synchronized<State> state_;
};

}  // namespace backup::plugin
