// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "core/capture/create_point.hpp"
#include "core/capture/plan.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/commands/made_point.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"
#include "plugin/mover/embedded_mover.hpp"
#include "plugin/open_repository.hpp"

#include <map>
#include <ostream>

namespace backup::plugin {

namespace {

constexpr std::string_view kManual =
    R"(Stores the objects of the chosen namespaces exactly as the API server has them, the cluster-wide
objects they need, and the files of their volumes. Without a word about namespaces it is the
namespace of the current context. The repository in the default place is made on first use.

Which objects: all kinds that can be listed, but for what is short-lived or made again by itself
(events, leases, pods of a controller and the like). -l and --annotation choose objects; what these
need (secrets, config maps, claims, roles) comes with them. An object or a namespace that carries
kubectl-backup/exclude: "true" is left out; so is the data of a claim that carries it.

Which volumes: those of the claims in scope. A short-lived pod that needs no image of its own reads
them beside the data. Files that did not change since an earlier point are not read again, and
content that the repository has is not sent again.

What could not be saved is in the ledger of the point ("kubectl backup describe") and makes it
Incomplete. Ctrl-C leaves the repository valid and nothing in the cluster.)";

std::vector<Flag> namespace_flags() {
    using enum FlagKind;
    return {
        {"namespace",
         'n',
         List,
         "NAMESPACE",
         "",
         "a namespace, also as a glob (team-*); may be repeated or a comma list",
         ""},
        {"all-namespaces",
         'A',
         Switch,
         "",
         "",
         "all namespaces but those of the control plane, and the cluster-wide objects",
         ""},
        {"exclude-namespace", 0, List, "NAMESPACE", "", "leave these out; names or globs", ""},
        {"namespace-selector",
         0,
         Repeated,
         "SELECTOR",
         "",
         "namespaces with these labels; repeated: any of them",
         ""},
        {"namespace-annotation",
         0,
         Repeated,
         "KEY[=VALUE]",
         "",
         "namespaces with this annotation; repeated: any of them",
         ""},
    };
}

std::vector<Flag> content_flags() {
    using enum FlagKind;
    return {
        {"selector",
         'l',
         Repeated,
         "SELECTOR",
         "",
         "only objects with these labels, and what they need; repeated: any of them",
         ""},
        {"annotation",
         0,
         Repeated,
         "KEY[=VALUE]",
         "",
         "only objects with this annotation, and what they need; repeated: any of them",
         ""},
        {"annotated", 0, Switch, "", "", "short for --annotation kubectl-backup/include=true", ""},
        {"include-resource",
         0,
         List,
         "KIND",
         "",
         "only these kinds: deploy, deployments.apps, a group, *.example.org",
         ""},
        {"exclude-resource", 0, List, "KIND", "", "all kinds but these", ""},
        {"cluster-resources",
         0,
         Text,
         "WHICH",
         "auto",
         "cluster-wide objects: auto takes those that the stored objects need, all, none",
         "",
         {"auto", "all", "none"}},
        {"volumes",
         0,
         Text,
         "HOW",
         "auto",
         "files of volumes: auto, live (read while in use), none (the claims alone)",
         "",
         {"auto", "live", "none"}},
        {"mover-image",
         0,
         Text,
         "IMAGE",
         "",
         "image of the pod that reads volumes (default: one that is on the node already)",
         ""},
    };
}

capture::Scope make_scope(Context& context) {
    const auto& arguments = context.arguments();
    capture::ScopeFlags flags;
    flags.namespaces = arguments.list("namespace");
    flags.all_namespaces = arguments.is_on("all-namespaces");
    flags.exclude_namespaces = arguments.list("exclude-namespace");
    flags.namespace_selectors = arguments.list("namespace-selector");
    flags.namespace_annotations = arguments.list("namespace-annotation");
    flags.selectors = arguments.list("selector");
    flags.annotations = arguments.list("annotation");
    flags.annotated = arguments.is_on("annotated");
    flags.include_resources = arguments.list("include-resource");
    flags.exclude_resources = arguments.list("exclude-resource");
    flags.cluster_resources = arguments.text("cluster-resources");
    flags.volumes = arguments.text("volumes");
    return capture::make_scope(flags, context.cluster().config().default_namespace);
}

void print_plan(const Output& output, const capture::Plan& plan) {
    Table kinds({"NAMESPACE", "RESOURCE", "OBJECTS", "SIZE"});
    for (const auto& kind : plan.kinds) {
        kinds.add({{kind.ns}, {kind.resource}, {concat(kind.objects)}, {format_size(kind.bytes)}});
    }
    if (!kinds.is_empty()) {
        output.out << kinds.format({output.headers, output.colour, 0});
    }
    Table volumes({"VOLUME", "OUTCOME", "NOTE"});
    for (const auto& volume : plan.ledger.volumes) {
        volumes.add(
            {{concat(volume.name_space, "/", volume.claim)},
             {std::string(model::to_text(volume.outcome))},
             {volume.reason == model::SkipReason::None ? concat(volume.method, volume.message)
                                                       : concat(model::to_text(volume.reason),
                                                                volume.message.empty() ? "" : ": ",
                                                                volume.message)}});
    }
    if (!volumes.is_empty()) {
        output.out << '\n' << volumes.format({output.headers, output.colour, 0});
    }
}

/// A selector with a typing error must not pass for a backup: only the namespaces are there.
void warn_of_empty_selection(Context& context, std::uint64_t objects, std::size_t namespaces) {
    const auto& arguments = context.arguments();
    const bool has_selection = !arguments.list("selector").empty() ||
                               !arguments.list("annotation").empty() ||
                               arguments.is_on("annotated");
    if (has_selection && objects <= namespaces) {
        context.warn("no object matches the selection");
    }
}

int run_plan(Context& context, const capture::Scope& scope, const model::RecoveryPoint& point) {
    capture::Plan plan;
    const auto stop = context.app().stop_token();
    {
        const auto progress = context.make_progress();
        plan = capture::make_plan(context.cluster(), scope, *progress, stop);
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
    warn_of_empty_selection(context, plan.objects(), plan.namespaces.size());
    return 0;
}

int run(Context& context) {
    const auto scope = make_scope(context);
    const auto& arguments = context.arguments();
    auto point = new_point(context, arguments.argument(0), capture::describe_scope(scope));
    if (context.is_dry_run()) {
        return run_plan(context, scope, point);
    }
    auto& client = context.cluster();
    auto& opened = context.repository_to_write();
    make_name_unique(context, opened, point, !arguments.argument(0).empty());
    const auto stop = context.app().stop_token();
    const auto program = embedded_mover();
    capture::CreateOptions options;
    options.scope = scope;
    options.point = std::move(point);
    options.mover_image = arguments.text("mover-image");
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
    hold_when_asked(context, opened, made);
    warn_of_empty_selection(context, made.statistics.objects, made.namespaces.size());
    return report_made_point(context, created->record, created->ledger);
}

}  // namespace

Command create_command() {
    Command command;
    command.name = "create";
    command.group = kMakeGroup;
    command.summary = "Make a recovery point of namespaces: objects and volumes";
    command.manual = kManual;
    command.arguments = {{"NAME", false}};
    for (const auto& part : {namespace_flags(), content_flags(), point_flags(false)}) {
        command.flags.insert(command.flags.end(), part.begin(), part.end());
    }
    command.flags.push_back(dry_run_flag("only say what would be stored, and why"));
    command.flags.push_back(output_flag({"table", "json", "yaml", "name"}));
    command.examples = {
        {"The namespace shop, objects and volumes", "kubectl backup create -n shop"},
        {"What it would store", "kubectl backup create -n shop --dry-run"},
        {"The whole cluster, under a name", "kubectl backup create before-upgrade -A"},
        {"All namespaces of a team but one",
         "kubectl backup create -n 'team-a-*' --exclude-namespace team-a-test"},
        {"One application with what it needs", "kubectl backup create -n shop -l app=web"},
        {"What is marked with kubectl-backup/include: \"true\", wherever it is",
         "kubectl backup create -A --annotated"}};
    command.exit_codes = "3 when the point is Incomplete: its ledger says what is missing";
    command.run = run;
    return command;
}

}  // namespace backup::plugin
