// SPDX-License-Identifier: Apache-2.0
#include "plugin/run.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "plugin/cli/exit_report.hpp"
#include "plugin/cli/help.hpp"
#include "plugin/cli/program_name.hpp"
#include "plugin/commands/all.hpp"
#include "plugin/context.hpp"
#include "plugin/output/terminal.hpp"

#include <ostream>

namespace backup::plugin {

namespace {

/// The colour of messages before the flags are parsed (the error may be in the flags): what the
/// words seem to ask for.
bool colour_on_error(std::span<const std::string> words, const App& app) {
    auto mode = ColourMode::Auto;
    for (const auto& word : words) {
        if (word == "--color=always") {
            mode = ColourMode::Always;
        } else if (word == "--color=never") {
            mode = ColourMode::Never;
        }
    }
    const auto term = app.environment.find("TERM");
    const TerminalFacts facts{
        app.err_facts.is_tty,
        app.err_facts.columns,
        term == app.environment.end() ? std::string_view() : std::string_view(term->second),
        find_variable(app.environment, "NO_COLOR").has_value()};
    return wants_colour(mode, facts);
}

int run_help(const Command* command, std::span<const Command> commands, App& app) {
    const auto program = program_name(app.argv0);
    const HelpStyle style{program, help_width(app.out_facts.is_tty, app.out_facts.columns)};
    app.out << (command == nullptr ? program_help(commands, style) : command_help(*command, style));
    return 0;
}

/// An error about the words of one verb points to the help of that verb.
Error with_help_of(Error error, const Command* command) {
    if (command == nullptr || error.code() != ErrorCode::Usage ||
        error.hint() != info_of(ErrorCode::Usage).default_hint) {
        return error;
    }
    return std::move(error).hint(concat("see 'kubectl backup help ", command->name, "'"));
}

int run_words(std::span<const std::string> words, App& app, Console& console) {
    const auto commands = all_commands();
    const auto verb = find_verb(commands, words);
    if (verb.command == nullptr && words.empty()) {
        return run_help(nullptr, commands, app);
    }
    const bool is_raw = verb.command != nullptr && verb.command->takes_raw_arguments;
    if (asks_for_help(words) && !is_raw) {
        return run_help(verb.command, commands, app);
    }
    int exit_code = 0;
    const auto failure = failure_of([&] {
        Context context(app, console, commands, parse_command_line(commands, words));
        exit_code = context.arguments().command().run(context);
    });
    if (failure) {
        throw with_help_of(*failure, verb.command);
    }
    return exit_code;
}

}  // namespace

int run_cli(std::span<const std::string> words, App& app) {
    const auto program = program_name(app.argv0);
    Console console(app.err);
    const auto style = [&]() -> ReportStyle {
        return {program, wanted_output(words) == "json", colour_on_error(words, app)};
    };
    const auto print = [&console](std::string_view text) { console.print(text); };
    return report_errors(style, print, [&] {
        const int exit_code = run_words(words, app, console);
        app.out.flush();
        if (!app.out) {
            throw Error(ErrorCode::Io, "standard output cannot be written");
        }
        return exit_code;
    });
}

}  // namespace backup::plugin
