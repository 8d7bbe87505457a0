// SPDX-License-Identifier: Apache-2.0
// Words of the command line -> a verb, its flags and its arguments. The door to cxxopts is
// parse.cpp.
#pragma once

#include "plugin/cli/command.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace backup::plugin {

/// What was typed for one verb, checked against its table. Asking for a flag the verb does not have
/// is our own mistake and throws Internal.
class ParsedCommand {
  public:
    const Command& command() const { return *command_; }

    const std::vector<std::string>& positionals() const { return positionals_; }

    bool is_given(std::string_view flag) const;
    /// A switch: given, and not as --flag=false.
    bool is_on(std::string_view flag) const;
    /// The last value given, otherwise the flag's default (which may be empty).
    std::string text(std::string_view flag) const;
    /// The last value given; nothing when the flag was not given or was given without a value.
    std::optional<std::string> find_text(std::string_view flag) const;
    /// All values given, in order; a FlagKind::List is split at commas, empty parts dropped.
    std::vector<std::string> list(std::string_view flag) const;
    /// The positional at `index`, otherwise `fallback`.
    std::string argument(std::size_t index, std::string_view fallback = {}) const;

  private:
    friend ParsedCommand parse_command_line(std::span<const Command> commands,
                                            std::span<const std::string> words);
    const Flag& get_flag(std::string_view name) const;

    const Command* command_ = nullptr;
    std::vector<Flag> flags_;
    std::map<std::string, std::vector<std::string>, std::less<>> values_;
    std::vector<std::string> positionals_;
};

/// Which verb the words name: the first word (or two) that is neither a flag nor a flag's value.
struct VerbMatch {
    const Command* command = nullptr;  // nullptr: no verb among the words
    std::vector<std::string> words;    // the rest, in order
};

/// Throws Usage on an unknown verb, with "did you mean".
VerbMatch find_verb(std::span<const Command> commands, std::span<const std::string> words);

/// Flags may stand before and after the arguments; everything behind "--" is an argument. Throws
/// Usage on an unknown flag, a missing or impossible value, too few or too many arguments.
ParsedCommand parse_command_line(std::span<const Command> commands,
                                 std::span<const std::string> words);

/// True when -h or --help stands before any "--".
bool asks_for_help(std::span<const std::string> words);

/// The value of -o/--output, for reporting an error of words that cannot be parsed.
std::string wanted_output(std::span<const std::string> words);

}  // namespace backup::plugin
