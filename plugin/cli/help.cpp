// SPDX-License-Identifier: Apache-2.0
#include "plugin/cli/help.hpp"

#include "core/base/error_code.hpp"
#include "core/base/text.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/cli/program_name.hpp"

#include <algorithm>
#include <iomanip>
#include <sstream>

namespace backup::plugin {

namespace {

constexpr std::string_view kWhat =
    "Back up namespaces of a Kubernetes cluster, with the files of their volumes, and get back a "
    "namespace, a volume or a single file. No operator, no server: your kubeconfig and a "
    "repository are all it needs.";

/// Two columns: the left one as wide as its longest entry that is not unusually long.
std::string two_columns(const std::vector<std::pair<std::string, std::string>>& rows,
                        std::size_t width) {
    constexpr std::size_t kMargin = 2;
    constexpr std::size_t kGap = 3;
    constexpr std::size_t kWidestLeft = 28;
    std::size_t left = 0;
    for (const auto& row : rows) {
        if (row.first.size() <= kWidestLeft) {
            left = std::max(left, row.first.size());
        }
    }
    const std::size_t column = kMargin + left + kGap;
    std::string out;
    for (const auto& [name, text] : rows) {
        const auto lines = wrap(text, width, column);
        out += std::string(kMargin, ' ') + name;
        if (name.size() > left) {
            out += "\n" + lines;
        } else {
            out += lines.empty() ? "\n" : lines.substr(kMargin + name.size());
        }
    }
    return out;
}

std::string flags_section(std::string_view heading,
                          std::span<const Flag> flags,
                          std::size_t width) {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const auto& flag : flags) {
        const auto usage = flag_usage(flag);
        rows.emplace_back(flag.letter != 0 ? usage : "    " + usage, flag_description(flag));
    }
    return concat("\n", heading, ":\n", two_columns(rows, width));
}

std::string verbs_section(std::span<const Command> commands, std::size_t width) {
    std::vector<std::string_view> groups;
    std::size_t longest = 0;
    for (const auto& command : commands) {
        if (!command.is_hidden && std::ranges::count(groups, command.group) == 0) {
            groups.push_back(command.group);
        }
        longest = std::max(longest, command.is_hidden ? 0 : command.name.size());
    }
    std::string out;
    for (const auto group : groups) {
        std::vector<std::pair<std::string, std::string>> rows;
        for (const auto& command : commands) {
            if (!command.is_hidden && command.group == group) {
                std::string name(command.name);
                name.resize(longest, ' ');
                rows.emplace_back(name, command.summary);
            }
        }
        out += concat("\n", group, ":\n", two_columns(rows, width));
    }
    return out;
}

std::string examples_section(const Command& command, std::string_view program) {
    std::string out;
    for (const auto& example : command.examples) {
        out += concat(out.empty() ? "\nExamples:\n" : "\n",
                      "  # ",
                      example.comment,
                      "\n  ",
                      for_program(example.line, program),
                      "\n");
    }
    return out;
}

bool has_verb(std::span<const Command> commands, std::string_view name) {
    return find_command(commands, name) != nullptr;
}

}  // namespace

std::string wrap(std::string_view text, std::size_t width, std::size_t margin) {
    const std::string prefix(margin, ' ');
    std::string out;
    std::string current;
    const auto flush = [&] {
        if (!current.empty()) {
            out += prefix + current + "\n";
            current.clear();
        }
    };
    for (const auto& line : split(text, '\n')) {
        if (line.empty() || line.starts_with("  ")) {
            flush();
            out += line.empty() ? "\n" : prefix + line + "\n";
            continue;
        }
        for (const auto& word : split(line, ' ')) {
            if (!current.empty() && margin + current.size() + 1 + word.size() > width) {
                flush();
            }
            current += (current.empty() ? "" : " ") + word;
        }
    }
    flush();
    return out;
}

std::string flag_usage(const Flag& flag) {
    std::string usage = flag.letter != 0 ? concat("-", flag.letter, ", ") : "";
    usage += concat("--", flag.name);
    if (flag.kind == FlagKind::OptionalValue) {
        return concat(usage, "[=", flag.placeholder, "]");
    }
    return flag.placeholder.empty() ? usage : concat(usage, " ", flag.placeholder);
}

std::string flag_description(const Flag& flag) {
    std::string text(flag.summary);
    const auto first = flag.choices.empty() ? std::string() : flag.choices.front();
    if (!flag.choices.empty() && flag.kind != FlagKind::OptionalValue &&
        flag.summary.find(first) == std::string_view::npos) {
        text += ": " + join(flag.choices, ", ");
    }
    if (!flag.default_text.empty()) {
        text += concat(" (default ", flag.default_text, ")");
    }
    return text;
}

std::string program_help(std::span<const Command> commands, const HelpStyle& style) {
    std::string out = wrap(kWhat, style.width);
    out += concat("\nUsage:\n  ", style.program, " VERB [ARGUMENTS] [flags]\n");
    out += verbs_section(commands, style.width);
    if (has_verb(commands, "create") && has_verb(commands, "mount")) {
        out += concat("\nFirst steps:\n  ",
                      style.program,
                      " create -n shop          # back up\n  ",
                      style.program,
                      " list                    # see it\n  ",
                      style.program,
                      " mount /mnt/backups      # walk through it\n");
    }
    out += "\n" + wrap(concat("\"",
                              style.program,
                              " help VERB\" tells all about a verb, \"",
                              style.program,
                              " help options\" the flags that every verb takes, \"",
                              style.program,
                              " help errors\" the exit codes."),
                       style.width);
    return out;
}

std::string command_help(const Command& command, const HelpStyle& style) {
    std::string out = wrap(concat(command.summary, "."), style.width);
    if (!command.manual.empty()) {
        out += "\n" + wrap(for_program(command.manual, style.program), style.width);
    }
    out += concat(
        "\nUsage:\n  ", style.program, " ", command.name, " ", arguments_usage(command), "\n");
    if (!command.aliases.empty()) {
        out += "\nAliases:\n  ";
        out += command.name;
        for (const auto alias : command.aliases) {
            out += concat(", ", alias);
        }
        out += "\n";
    }
    out += examples_section(command, style.program);
    if (!command.flags.empty()) {
        out += flags_section("Flags", command.flags, style.width);
    }
    if (!command.exit_codes.empty()) {
        out += "\nExit codes:\n" + wrap(command.exit_codes, style.width, 2);
    }
    return out + concat("\nUse \"",
                        style.program,
                        " help options\" for the flags that every verb takes.\n");
}

std::string options_help(const HelpStyle& style) {
    std::string out = "Flags that every verb takes, before or after its arguments.\n";
    std::vector<std::string_view> groups;
    for (const auto& flag : global_flags()) {
        if (std::ranges::count(groups, flag.group) == 0) {
            groups.push_back(flag.group);
        }
    }
    for (const auto group : groups) {
        std::vector<Flag> flags;
        std::ranges::copy_if(global_flags(), std::back_inserter(flags), [group](const Flag& flag) {
            return flag.group == group;
        });
        out += flags_section(group, flags, style.width);
    }
    return out;
}

std::string errors_help(const HelpStyle& style) {
    std::string out = wrap(
        "An error is printed on standard error as \"error: ...\", followed by "
        "\"hint: ...\" when there is a remedy; with -o json as one record of "
        "kind Error that holds the name below, the message and the exit code.",
        style.width);
    out += "\nExit codes:\n";
    out += two_columns({{"0", "done"},
                        {"1", "failed"},
                        {"2", "wrong usage: nothing was done"},
                        {"3", "done, but incomplete: the ledger of the point says what is missing"},
                        {"4", "done, and there are differences or findings"},
                        {"10", "there is no repository"},
                        {"12", "wrong or missing key"},
                        {"13", "corrupt data"},
                        {"20", "the cluster cannot be reached"},
                        {"21", "the cluster forbids it"},
                        {"130", "interrupted"}},
                       style.width);
    std::ostringstream table;
    table << "\nErrors:\n";
    for (const auto& info : all_error_codes()) {
        std::string line = concat("  ", info.name);
        line.resize(std::max<std::size_t>(line.size() + 1, 24), ' ');
        line += concat(info.exit_code);
        if (!info.default_hint.empty()) {
            line.resize(std::max<std::size_t>(line.size() + 1, 30), ' ');
            line += for_program(info.default_hint, style.program);
        }
        table << line << '\n';
    }
    return out + table.str();
}

}  // namespace backup::plugin
