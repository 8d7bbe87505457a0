// SPDX-License-Identifier: Apache-2.0
#include "plugin/output/terminal.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <sys/ioctl.h>
#include <unistd.h>

namespace backup::plugin {

ColourMode parse_colour_mode(std::string_view text) {
    if (text == "auto") {
        return ColourMode::Auto;
    }
    if (text == "always") {
        return ColourMode::Always;
    }
    if (text == "never") {
        return ColourMode::Never;
    }
    throw Error(ErrorCode::Usage, concat("--color cannot be \"", printable(text), "\""));
}

bool wants_colour(ColourMode mode, const TerminalFacts& facts) {
    switch (mode) {
        case ColourMode::Always:
            return true;
        case ColourMode::Never:
            return false;
        case ColourMode::Auto:
            break;
    }
    return facts.is_tty && !facts.no_color && facts.term != "dumb";
}

std::size_t help_width(bool is_tty, std::size_t columns) {
    constexpr std::size_t kNarrowest = 60;
    constexpr std::size_t kWidest = 100;
    constexpr std::size_t kElsewhere = 80;
    return is_tty ? std::clamp(columns, kNarrowest, kWidest) : kElsewhere;
}

bool is_terminal(int fd) {
    return isatty(fd) == 1;
}

std::size_t terminal_width(int fd) {
    constexpr std::size_t kUsual = 80;
    winsize size{};
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
        return kUsual;
    }
    return size.ws_col;
}

}  // namespace backup::plugin
