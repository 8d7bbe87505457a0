// SPDX-License-Identifier: Apache-2.0
// Help texts for the terminal, made from the Command table. Pure: text in, text out.
#pragma once

#include "plugin/cli/command.hpp"

#include <span>
#include <string>
#include <string_view>

namespace backup::plugin {

struct HelpStyle {
    std::string_view program = "kubectl backup";
    std::size_t width = 80;  // columns to wrap at
};

/// `kubectl backup help`: what it is, the verbs by group, a first example.
std::string program_help(std::span<const Command> commands, const HelpStyle& style);

/// `kubectl backup VERB --help`.
std::string command_help(const Command& command, const HelpStyle& style);

/// `kubectl backup help options`: the flags every verb takes.
std::string options_help(const HelpStyle& style);

/// `kubectl backup help errors`: the catalog and the exit codes.
std::string errors_help(const HelpStyle& style);

/// Fills lines up to `width` (one long word may be longer), each behind `margin` spaces. Empty
/// lines separate paragraphs; a line that begins with two spaces is kept as it is.
std::string wrap(std::string_view text, std::size_t width, std::size_t margin = 0);

/// "-n, --namespace NAMESPACE", "--read-data[=PERCENT]".
std::string flag_usage(const Flag& flag);

/// The summary with the choices and the default in brackets behind it.
std::string flag_description(const Flag& flag);

}  // namespace backup::plugin
