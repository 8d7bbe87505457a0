// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "core/volume/leftovers.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"

#include <algorithm>

namespace backup::plugin {

namespace {

constexpr std::string_view kManual =
    R"(A run that is ended by the system, by a crash or by "kill -9" cannot take along what it made in
the cluster: pods, ConfigMaps, containers added to pods, volume snapshots and the claims made from
them. This finds it, removes what belongs to runs that are over, also when a storage or snapshot class
says Retain, and waits until it is gone. What a living run uses stays; --force takes that as well. A
container that was added to a pod is ended; its entry stays in the pod, for Kubernetes cannot remove
it.)";

RecordKind leftover_kind() {
    const auto text = [](std::string header, std::string_view member) {
        return Column{std::move(header),
                      [member](const Json& record) { return Cell{record.text_at({member})}; }};
    };
    RecordKind kind;
    kind.item_kind = "Leftover";
    kind.columns = {
        text("NAMESPACE", "namespace"),
        text("KIND", "kind"),
        text("NAME", "name"),
        {"REMOVED",
         [](const Json& record) { return Cell{record.bool_at({"removed"}) ? "yes" : "no"}; }},
        text("WHY", "reason")};
    kind.name = [](const Json& record) {
        return concat(record.text_at({"namespace"}),
                      "/",
                      record.text_at({"kind"}),
                      "/",
                      record.text_at({"name"}));
    };
    return kind;
}

volume::CleanUpOptions make_options(Context& context) {
    const auto& arguments = context.arguments();
    volume::CleanUpOptions options;
    options.namespaces = arguments.list("namespace");
    options.self = volume::make_mover_owner(context.app().random);
    options.gone_limit =
        with_context([] { return std::string("--timeout"); },
                     [&] {
                         return std::chrono::duration_cast<std::chrono::milliseconds>(
                             parse_duration(arguments.text("timeout")));
                     });
    options.force = arguments.is_on("force");
    options.dry_run = context.is_dry_run();
    options.clock = &context.app().clock;
    options.stop = context.app().stop_token();
    return options;
}

int run(Context& context) {
    const auto options = make_options(context);
    const auto result = volume::clean_up(context.cluster(), options);
    Json::Array records;
    for (const auto& leftover : result.leftovers) {
        records.push_back(Json::object({{"namespace", leftover.ns},
                                        {"kind", leftover.kind},
                                        {"name", leftover.name},
                                        {"run", leftover.run_id},
                                        {"host", leftover.host},
                                        {"removed", leftover.is_removed && !options.dry_run},
                                        {"reason", leftover.reason}}));
    }
    const auto output = context.output();
    print_list(output, leftover_kind(), records);
    // Where it could not look there may be some.
    if (records.empty() && !is_for_programs(output.format)) {
        context.say(result.problems.empty() ? "No leftovers found." : "Nothing was removed.");
    } else if (options.dry_run) {
        context.say("Nothing was removed (dry run).");
    }
    for (const auto& problem : result.problems) {
        context.warn(concat(problem.subject, ": ", problem.message));
    }
    const bool is_refused = std::ranges::any_of(result.problems, [](const Problem& problem) {
        return problem.code == ErrorCode::Forbidden;
    });
    if (options.namespaces.empty() && is_refused) {
        context.say(
            "hint: who has rights in a namespace only names it: 'kubectl backup cleanup -n "
            "NAMESPACE'");
    }
    return result.problems.empty() ? 0 : info_of(ErrorCode::Incomplete).exit_code;
}

}  // namespace

Command cleanup_command() {
    Command command;
    command.name = "cleanup";
    command.group = kCareGroup;
    command.summary = "Remove what killed runs left in the cluster";
    command.manual = kManual;
    command.flags = {
        {"namespace",
         'n',
         FlagKind::List,
         "NAMESPACE",
         "",
         "only in these namespaces (default: all)",
         ""},
        {"force", 0, FlagKind::Switch, "", "", "also what seems to be in use", ""},
        {"timeout",
         0,
         FlagKind::Text,
         "DURATION",
         "2m",
         "how long to wait until what was removed is gone",
         ""},
        dry_run_flag("only say what would be removed"),
        output_flag({"table", "json", "yaml", "name"}),
    };
    command.examples = {{"Look first", "kubectl backup cleanup --dry-run"},
                        {"In one namespace", "kubectl backup cleanup -n shop"}};
    command.exit_codes =
        "3 when a namespace could not be looked at, or something not removed in time";
    command.run = run;
    return command;
}

}  // namespace backup::plugin
