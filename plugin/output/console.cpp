// SPDX-License-Identifier: Apache-2.0
#include "plugin/output/console.hpp"

#include <ostream>

namespace backup::plugin {

namespace {

constexpr std::string_view kClearLine = "\r\x1b[K";

}  // namespace

void Console::print(std::string_view text) {
    if (text.empty()) {
        return;
    }
    auto state = state_.lock();
    auto& err = *state->err;
    if (!state->progress.empty()) {
        err << kClearLine;
    }
    err << text;
    if (text.back() != '\n') {
        err << '\n';
    }
    err << state->progress << std::flush;
}

void Console::show_progress(std::string_view line) {
    auto state = state_.lock();
    if (state->progress.empty() && line.empty()) {
        return;
    }
    state->progress = line;
    *state->err << kClearLine << line << std::flush;
}

}  // namespace backup::plugin
