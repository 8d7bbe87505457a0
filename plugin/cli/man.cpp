// SPDX-License-Identifier: Apache-2.0
#include "plugin/cli/man.hpp"

#include "core/base/text.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/cli/help.hpp"

#include <algorithm>
#include <cctype>

namespace backup::plugin {

namespace {

/// Plain text for roff: backslashes and dashes escaped, no line that looks like a request.
std::string roff(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\') {
            out += "\\e";
        } else if (c == '-') {
            out += "\\-";
        } else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) {
            out += concat("\\&", c);
        } else {
            out += c;
        }
    }
    return out;
}

std::string upper(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) {
        return static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    });
    return out;
}

std::string roff_paragraphs(std::string_view text) {
    std::string out;
    bool is_verbatim = false;
    for (const auto& line : split(text, '\n')) {
        const bool wants_verbatim = line.starts_with("  ");
        if (wants_verbatim != is_verbatim) {
            out += wants_verbatim ? ".nf\n" : ".fi\n";
            is_verbatim = wants_verbatim;
        }
        out += line.empty() ? ".PP\n" : roff(line) + "\n";
    }
    return is_verbatim ? out + ".fi\n" : out;
}

std::string roff_flags(std::span<const Flag> flags) {
    std::string out;
    for (const auto& flag : flags) {
        out += concat(
            ".TP\n\\fB", roff(flag_usage(flag)), "\\fR\n", roff(flag_description(flag)), "\n");
    }
    return out;
}

std::string man_header(std::string_view name, std::string_view summary, std::string_view version) {
    return concat(".TH ",
                  upper(name),
                  " 1 \"\" \"kubectl\\-backup ",
                  version,
                  "\" \"User Commands\"\n.SH NAME\n",
                  roff(name),
                  " \\- ",
                  roff(summary),
                  "\n");
}

std::string global_flags_of(std::string_view group) {
    std::vector<Flag> flags;
    std::ranges::copy_if(global_flags(), std::back_inserter(flags), [group](const Flag& flag) {
        return flag.group == group;
    });
    return roff_flags(flags);
}

std::vector<std::string_view> global_groups() {
    std::vector<std::string_view> groups;
    for (const auto& flag : global_flags()) {
        if (std::ranges::count(groups, flag.group) == 0) {
            groups.push_back(flag.group);
        }
    }
    return groups;
}

/// A cell of a Markdown table: no line breaks, no bars, no tags.
std::string cell(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '|') {
            out += "\\|";
        } else if (c == '<') {
            out += "&lt;";
        } else {
            out += c;
        }
    }
    return out;
}

std::string flags_table(std::span<const Flag> flags) {
    std::string out = "| flag | what it does |\n| --- | --- |\n";
    for (const auto& flag : flags) {
        out += concat("| `", cell(flag_usage(flag)), "` | ", cell(flag_description(flag)), " |\n");
    }
    return out;
}

std::string markdown_manual(std::string_view manual) {
    std::string out;
    bool is_code = false;
    for (const auto& line : split(manual, '\n')) {
        const bool wants_code = line.starts_with("  ");
        if (wants_code != is_code) {
            out += wants_code ? "```text\n" : "```\n";
            is_code = wants_code;
        }
        out += (wants_code ? line.substr(2) : line) + "\n";
    }
    return is_code ? out + "```\n" : out;
}

}  // namespace

std::string file_stem(const Command& command) {
    std::string stem(command.name);
    std::ranges::replace(stem, ' ', '-');
    return stem;
}

std::string program_man_page(std::span<const Command> commands, std::string_view version) {
    auto page =
        man_header("kubectl-backup", "back up Kubernetes namespaces and get files back", version);
    page +=
        ".SH SYNOPSIS\n\\fBkubectl backup\\fR \\fIVERB\\fR [\\fIARGUMENTS\\fR] "
        "[\\fIflags\\fR]\n.SH VERBS\n";
    for (const auto& command : commands) {
        if (!command.is_hidden) {
            page += concat(".TP\n\\fB",
                           roff(command.name),
                           "\\fR\n",
                           roff(command.summary),
                           "; see\n.BR kubectl\\-backup\\-",
                           roff(file_stem(command)),
                           " (1).\n");
        }
    }
    page += ".SH OPTIONS\nEvery verb takes these, before or after its arguments.\n";
    for (const auto group : global_groups()) {
        page += concat(".SS \"", roff(group), "\"\n", global_flags_of(group));
    }
    page +=
        ".SH EXIT STATUS\n0 done; 1 failed; 2 wrong usage; 3 done but incomplete; 4 differences "
        "or findings;\n10 no repository; 12 wrong key; 13 corrupt data; 20 cluster not "
        "reachable; 21 forbidden;\n130 interrupted.\n";
    page +=
        ".SH FILES\n.TP\n\\fI$XDG_CONFIG_HOME/kubectl\\-backup/config.yaml\\fR\n"
        "configuration: repository, keyFile, passphraseFile, passphraseCommand\n"
        ".TP\n\\fI$XDG_CONFIG_HOME/kubectl\\-backup/keys/\\fR\nkeys of repositories\n"
        ".TP\n\\fI$XDG_DATA_HOME/kubectl\\-backup/repository\\fR\nthe default repository\n";
    return page;
}

std::string command_man_page(const Command& command, std::string_view version) {
    auto page = man_header("kubectl-backup-" + file_stem(command), command.summary, version);
    page += concat(".SH SYNOPSIS\n\\fBkubectl backup ",
                   roff(command.name),
                   "\\fR ",
                   roff(arguments_usage(command)),
                   "\n.SH DESCRIPTION\n",
                   roff_paragraphs(command.manual.empty() ? command.summary : command.manual));
    if (!command.flags.empty()) {
        page += ".SH OPTIONS\n" + roff_flags(command.flags);
    }
    page += ".PP\nThe flags that every verb takes are in\n.BR kubectl\\-backup (1).\n";
    if (!command.examples.empty()) {
        page += ".SH EXAMPLES\n";
        for (const auto& example : command.examples) {
            page +=
                concat(".TP\n", roff(example.comment), "\n.nf\n", roff(example.line), "\n.fi\n");
        }
    }
    if (!command.exit_codes.empty()) {
        page += ".SH EXIT STATUS\n" + roff_paragraphs(command.exit_codes);
    }
    return page + ".SH SEE ALSO\n.BR kubectl\\-backup (1)\n";
}

std::string command_markdown(const Command& command) {
    std::string page = concat("# kubectl backup ",
                              command.name,
                              "\n\n",
                              command.summary,
                              ".\n\n```text\nkubectl backup ",
                              command.name,
                              " ",
                              arguments_usage(command),
                              "\n```\n");
    if (!command.aliases.empty()) {
        page += "\nAlso: ";
        for (std::size_t i = 0; i < command.aliases.size(); ++i) {
            page += concat(i == 0 ? "" : ", ", "`", command.aliases[i], "`");
        }
        page += ".\n";
    }
    if (!command.manual.empty()) {
        page += "\n" + markdown_manual(command.manual);
    }
    if (!command.examples.empty()) {
        page += "\n## Examples\n\n```console\n";
        for (const auto& example : command.examples) {
            page += concat("# ", example.comment, "\n$ ", example.line, "\n");
        }
        page += "```\n";
    }
    if (!command.flags.empty()) {
        page += "\n## Flags\n\n" + flags_table(command.flags);
    }
    if (!command.exit_codes.empty()) {
        page += concat("\n## Exit codes\n\n", command.exit_codes, "\n");
    }
    return page + "\nThe flags that every verb takes are in [README.md](README.md).\n";
}

std::string command_table_markdown(std::span<const Command> commands,
                                   std::string_view link_prefix) {
    std::string table = "| verb | what it does |\n| --- | --- |\n";
    for (const auto& command : commands) {
        if (!command.is_hidden) {
            table += concat("| [`",
                            command.name,
                            "`](",
                            link_prefix,
                            file_stem(command),
                            ".md) | ",
                            cell(command.summary),
                            " |\n");
        }
    }
    return table;
}

std::string program_markdown(std::span<const Command> commands) {
    std::string page =
        "# Command line\n\nMade by `kubectl backup generate-docs docs` from the "
        "table of commands in plugin/commands: change it there.\n\n" +
        command_table_markdown(commands, "") + "\n## Flags that every verb takes\n";
    for (const auto group : global_groups()) {
        std::vector<Flag> flags;
        std::ranges::copy_if(global_flags(), std::back_inserter(flags), [group](const Flag& flag) {
            return flag.group == group;
        });
        page += concat("\n### ", group, "\n\n", flags_table(flags));
    }
    return page;
}

std::map<std::string, std::string> generated_docs(std::span<const Command> commands,
                                                  std::string_view version) {
    std::map<std::string, std::string> files;
    files["cli/README.md"] = program_markdown(commands);
    files["man/kubectl-backup.1"] = program_man_page(commands, version);
    for (const auto& command : commands) {
        if (!command.is_hidden) {
            files["cli/" + file_stem(command) + ".md"] = command_markdown(command);
            files["man/kubectl-backup-" + file_stem(command) + ".1"] =
                command_man_page(command, version);
        }
    }
    return files;
}

}  // namespace backup::plugin
