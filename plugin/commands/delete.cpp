// SPDX-License-Identifier: Apache-2.0
#include "core/base/text.hpp"
#include "core/maintenance/forget.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/commands/chosen_points.hpp"
#include "plugin/commands/pruning.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"
#include "plugin/open_repository.hpp"

#include <ostream>

namespace backup::plugin {

namespace {

constexpr std::string_view kManual =
    R"(Removes the points that are named, and nothing else. Their space comes back with
"kubectl backup prune". A point under hold is refused, and then none is removed; so is a name that
several points have. A point that cannot be read any more is named by its id.)";

int run(Context& context) {
    const auto options =
        context.arguments().is_on("prune") ? std::optional(pruning_options(context)) : std::nullopt;
    const auto opened = open_place(context.settings(), context.app().environment);
    const auto chosen = choose_points(
        opened->repository, context.arguments().positionals(), context.app().clock.now());
    std::vector<std::string> ids;
    for (const auto& point : chosen) {
        ids.push_back(point.id);
    }
    if (context.is_dry_run()) {
        maintenance::refuse_held_points(opened->repository, ids);
    } else {
        maintenance::forget_points(opened->repository, ids, context.app().random);
    }
    const auto output = context.output();
    auto json = Json::object({{"dryRun", context.is_dry_run()}});
    Json::Array points;
    for (const auto& point : chosen) {
        points.push_back(Json::object({{"name", point.name}, {"id", point.id}}));
        if (!is_for_programs(output.format)) {
            output.out << "recoverypoint/" << label_of(point)
                       << (output.format == OutputFormat::Name ? ""
                           : context.is_dry_run()              ? " would be deleted (dry run)"
                                                               : " deleted")
                       << '\n';
        }
    }
    json["points"] = std::move(points);
    if (options) {
        prune_behind(context, opened->repository, *options, ids, json);
    }
    if (is_for_programs(output.format)) {
        print_record(output, "Deletion", json);
    }
    return 0;
}

}  // namespace

Command delete_command() {
    Command command;
    command.name = "delete";
    command.group = kCareGroup;
    command.summary = "Remove points by name";
    command.manual = kManual;
    command.arguments = {{"POINT", true, true, Completes::Point}};
    command.flags = {{"prune", 0, FlagKind::Switch, "", "", "give their space back at once", ""}};
    for (auto& flag : pruning_flags()) {
        flag.group = "With --prune";
        command.flags.push_back(std::move(flag));
    }
    command.flags.push_back(dry_run_flag());
    command.flags.push_back(output_flag({"table", "json", "yaml", "name"}));
    command.examples = {
        {"One point", "kubectl backup delete before-upgrade"},
        {"What would go", "kubectl backup delete before-upgrade --dry-run"},
        {"Two points, and their space at once", "kubectl backup delete shop-old 3fa91c07 --prune"}};
    command.run = run;
    return command;
}

}  // namespace backup::plugin
