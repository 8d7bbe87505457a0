// SPDX-License-Identifier: Apache-2.0
#include "plugin/cli/global_flags.hpp"
#include "plugin/commands/pruning.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"
#include "plugin/open_repository.hpp"

namespace backup::plugin {

namespace {

constexpr std::string_view kManual =
    R"(Gives back the space of what no recovery point needs any more. It removes no point: that is what
"kubectl backup forget" and "kubectl backup delete" do.

It may run at any time, beside backups, and any number of them at once; it can be stopped at any
moment and run again. There is no lock and nothing to unlock. Backups that were under way before it
decided what to remove are waited for: their part is left to the next prune, and it says so. A run
that gave no sign for --session-timeout is taken for dead. Should it wake, it goes on when all it
needs is still there, and otherwise fails and says that it has to be run again.

Packs of which little is needed are copied first. When a point cannot be read in full nothing is
removed, because nobody knows what it needs. On a full disk it works in room that was kept for it.)";

int run(Context& context) {
    const auto options = pruning_options(context);
    const auto opened = open_place(context.settings(), context.app().environment);
    const auto result = run_prune(context, opened->repository, options);
    const auto output = context.output();
    if (is_for_programs(output.format)) {
        print_record(output, "Pruning", to_json(result, options.dry_run));
    } else {
        say_result(context, result, options.dry_run);
    }
    return 0;
}

}  // namespace

Command prune_command() {
    Command command;
    command.name = "prune";
    command.group = kCareGroup;
    command.summary = "Give back the space of what no point needs";
    command.manual = kManual;
    command.flags = pruning_flags();
    command.flags.push_back(dry_run_flag());
    command.flags.push_back(output_flag({"table", "json", "yaml"}));
    command.examples = {
        {"How much there is to gain", "kubectl backup prune --dry-run"},
        {"Each night", "kubectl backup prune"},
        {"Quickly, without copying anything", "kubectl backup prune --repack-below 0"}};
    command.run = run;
    return command;
}

}  // namespace backup::plugin
