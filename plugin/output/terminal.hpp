// SPDX-License-Identifier: Apache-2.0
// What a stream can show: whether it is a terminal, how wide, in colour or not.
#pragma once

#include <cstddef>
#include <string_view>

namespace backup::plugin {

enum class ColourMode { Auto, Always, Never };

/// "auto", "always", "never"; throws Usage.
ColourMode parse_colour_mode(std::string_view text);

struct TerminalFacts {
    bool is_tty = false;
    std::size_t width = 80;  // columns
    std::string_view term;   // $TERM
    bool no_color = false;   // $NO_COLOR is set and not empty (no-color.org)
};

/// Auto: a terminal that is not "dumb", and NO_COLOR unset.
bool wants_colour(ColourMode mode, const TerminalFacts& facts);

/// Columns to wrap help texts at: those of the terminal within reason, 80 elsewhere.
std::size_t help_width(bool is_tty, std::size_t columns);

/// True when file descriptor `fd` is a terminal.
bool is_terminal(int fd);

/// Columns of the terminal at `fd`; 80 when it does not say.
std::size_t terminal_width(int fd);

}  // namespace backup::plugin
