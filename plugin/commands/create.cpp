// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/rate_limit.hpp"
#include "core/base/text.hpp"
#include "core/capture/create_point.hpp"
#include "core/capture/plan.hpp"
#include "core/maintenance/checks.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/commands/made_point.hpp"
#include "plugin/commands/notifier.hpp"
#include "plugin/commands/plan_page.hpp"
#include "plugin/commands/scope_flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"
#include "plugin/mover/embedded_mover.hpp"
#include "plugin/open_repository.hpp"

#include <optional>
#include <ostream>

namespace backup::plugin {

namespace {

constexpr std::string_view kManual =
    R"(Stores the objects of the chosen namespaces exactly as the API server has them, the cluster-wide
objects they need, and the files of their volumes. Without a word about namespaces it is the
namespace of the current context. The repository in the default place is made on first use.

Which objects: all kinds that can be listed, but for what is short-lived or made again by itself
(events, leases, generated endpoints and the like). -l and --annotation choose objects; what these
need (secrets, config maps, claims, roles) comes with them. An object or a namespace that carries
kubectl-backup/exclude: "true" is left out; so is the data of a claim that carries it.

Which volumes: those of the claims in scope. A short-lived pod that needs no image of its own reads
them beside the data. Files that did not change since an earlier point are not read again, and
content that the repository has is not sent again. What comes from such a pod is decoded and proved
before it is stored, also with --no-verify-writes.

Commands in annotations of pods (kubectl-backup/pre-hook and post-hook, Velero's keys) or in the
policy run before and after the volumes of their pods are read: the post hook always when its pre
hook ran, also after Ctrl-C. What k8up.io/backupcommand prints becomes a file of the point.

What could not be saved is in the ledger of the point ("kubectl backup describe") and makes it
Incomplete. "kubectl backup explain" says why one object is in a point or not. Ctrl-C leaves the repository valid and nothing in the cluster.)";

std::vector<Flag> reading_flags() {
    using enum FlagKind;
    return {
        {"no-hooks",
         0,
         Switch,
         "",
         "",
         "do not run the commands that pods ask for before and after their volumes are read",
         ""},
        {"mover-image",
         0,
         Text,
         "IMAGE",
         "",
         "image of the pod that reads volumes (default: one that is on the node already)",
         ""},
        {"limit-upload",
         0,
         Text,
         "RATE",
         "",
         "at most so many bytes a second into the repository, all together: 10MiB",
         ""},
        {"limit-read",
         0,
         Text,
         "RATE",
         "",
         "at most so many bytes a second out of the volumes, all together",
         ""},
    };
}

std::uint64_t rate_of(Context& context, std::string_view flag) {
    const auto text = context.arguments().find_text(flag);
    return text ? with_context([flag] { return concat("--", flag); },
                               [&text] { return parse_rate(*text); })
                : 0;
}

/// A selector with a typing error must not pass for a backup: only the namespaces are there.
void warn_of_empty_selection(Context& context,
                             const capture::Scope& scope,
                             std::uint64_t objects,
                             std::size_t namespaces) {
    if (scope.is_narrow() && objects <= namespaces) {
        context.warn("no object matches the selection");
    }
}

capture::HookFlags read_hooks(Context& context, const capture::Policy& policy) {
    return {policy.hooks, context.arguments().is_on("no-hooks")};
}

int run_plan(Context& context,
             const capture::Scope& scope,
             const capture::HookFlags& hooks,
             const model::RecoveryPoint& point) {
    capture::Plan plan;
    const auto stop = context.app().stop_token();
    {
        const auto progress = context.make_progress();
        plan = capture::make_plan(context.cluster(), scope, *progress, stop, hooks);
    }
    const auto output = context.output();
    if (is_for_programs(output.format)) {
        auto json = capture::to_json(plan);
        json["name"] = point.name;
        print_record(output, "Plan", json);
    } else {
        if (output.format == OutputFormat::Name) {
            output.out << "recoverypoint/" << point.name << '\n';
        } else {
            print_plan(output, plan);
        }
        context.say(concat("would make the point ", point.name, " (dry run)"));
    }
    warn_of_empty_selection(context, scope, plan.objects(), plan.namespaces.size());
    return 0;
}

int make_point(Context& context, const capture::Policy& policy, Notifier& notifier) {
    const auto scope = read_scope(context, policy);
    const auto hooks = read_hooks(context, policy);
    const auto& arguments = context.arguments();
    auto point = new_point(context, arguments.argument(0), capture::describe_scope(scope));
    if (context.is_dry_run()) {
        return run_plan(context, scope, hooks, point);
    }
    auto& client = context.cluster();
    auto& opened = context.repository_to_write();
    make_name_unique(context, opened, point, !arguments.argument(0).empty());
    notifier.started(point);
    const auto stop = context.app().stop_token();
    const auto program = embedded_mover();
    capture::CreateOptions options;
    options.scope = scope;
    options.point = std::move(point);
    options.mover_image = arguments.text("mover-image");
    options.severity = policy.severity;
    options.upload_limit = rate_of(context, "limit-upload");
    options.read_limit = rate_of(context, "limit-read");
    options.hooks = hooks;
    options.verify_writes = !arguments.is_on("no-verify-writes");
    options.unsound_packs = maintenance::find_unsound_packs(opened.repository);
    std::optional<capture::CreatedPoint> created;
    {
        const auto progress = context.make_progress();
        created = capture::create_point({client,
                                         program,
                                         opened.repository,
                                         opened.chunks,
                                         context.app().random,
                                         context.app().clock,
                                         *progress},
                                        options,
                                        stop);
    }
    const auto& made = created->record.point;
    notifier.made(made, created->ledger);
    hold_when_asked(context, opened, made);
    warn_of_empty_selection(
        context, options.scope, made.statistics.objects, made.namespaces.size());
    return report_made_point(context, created->record, created->ledger);
}

int run(Context& context) {
    const auto& arguments = context.arguments();
    std::optional<capture::Policy> policy;
    if (!arguments.is_given("notify")) {
        policy = read_policy(context);
    }
    // Who is named by a flag is known already when the policy cannot be read.
    const auto url = policy ? policy->notify : arguments.text("notify");
    Notifier notifier(context, context.is_dry_run() ? std::string() : url);
    return notifier.watch(
        [&] { return make_point(context, policy ? *policy : read_policy(context), notifier); });
}

}  // namespace

Command create_command() {
    Command command;
    command.name = "create";
    command.group = kMakeGroup;
    command.summary = "Make a recovery point of namespaces: objects and volumes";
    command.manual = kManual;
    command.arguments = {{"NAME", false}};
    for (const auto& part : {scope_flags(), reading_flags(), point_flags(false)}) {
        command.flags.insert(command.flags.end(), part.begin(), part.end());
    }
    command.flags.push_back(notify_flag());
    command.flags.push_back(dry_run_flag("only say what would be stored, and why"));
    command.flags.push_back(output_flag({"table", "wide", "json", "yaml", "name"}));
    command.examples = {
        {"The namespace shop, objects and volumes", "kubectl backup create -n shop"},
        {"What it would store, how, and what not", "kubectl backup create -n shop --dry-run"},
        {"The whole cluster, under a name", "kubectl backup create before-upgrade -A"},
        {"All namespaces of a team but one",
         "kubectl backup create -n 'team-a-*' --exclude-namespace team-a-test"},
        {"One application with what it needs", "kubectl backup create -n shop -l app=web"},
        {"What is marked with kubectl-backup/include: \"true\", wherever it is",
         "kubectl backup create -A --annotated"},
        {"As a file says", "kubectl backup create --policy nightly.yaml"}};
    command.exit_codes =
        "3 when the point is Incomplete: its ledger says what is missing; 1 also when the "
        "severities "
        "of a policy make it Failed";
    command.run = run;
    return command;
}

}  // namespace backup::plugin
