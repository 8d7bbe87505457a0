// SPDX-License-Identifier: Apache-2.0
#include "plugin/cli/help.hpp"

#include "core/base/closest_match.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"

#include <ostream>

namespace backup::plugin {

namespace {

constexpr std::string_view kManual =
    R"(Without an argument it lists the verbs. The topic "options" shows the flags that every verb
takes, "errors" the exit codes and the name of each error.)";

int run(Context& context) {
    const auto topic = join(context.arguments().positionals(), " ");
    const auto style = context.help_style();
    auto& out = context.app().out;
    if (topic.empty()) {
        out << program_help(context.commands(), style);
    } else if (topic == "options") {
        out << options_help(style);
    } else if (topic == "errors") {
        out << errors_help(style);
    } else if (const auto* command = find_command(context.commands(), topic)) {
        out << command_help(*command, style);
    } else {
        auto known = visible_names(context.commands());
        known.insert(known.end(), {"options", "errors"});
        Error error(ErrorCode::Usage, concat("no help on \"", printable(topic), "\""));
        const auto suggestion = did_you_mean(topic, known);
        throw suggestion.empty() ? error : std::move(error).hint(suggestion);
    }
    return 0;
}

}  // namespace

Command help_command() {
    Command command;
    command.name = "help";
    command.group = kOtherGroup;
    command.summary = "Tell about a verb, the common flags, or the errors";
    command.manual = kManual;
    command.arguments = {{"VERB", false, true, Completes::Verb, {"options", "errors"}}};
    command.examples = {{"All about create", "kubectl backup help create"},
                        {"Exit codes and errors", "kubectl backup help errors"}};
    command.run = run;
    return command;
}

}  // namespace backup::plugin
