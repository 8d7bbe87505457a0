// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/restore/copy_into_pod.hpp"
#include "core/restore/restore_volume.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/commands/copied.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"
#include "plugin/find_point.hpp"
#include "plugin/mover/embedded_mover.hpp"
#include "plugin/open_repository.hpp"
#include "plugin/point_checks.hpp"

#include <filesystem>
#include <unistd.h>

namespace backup::plugin {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kManual =
    R"(Copies a file, or with -r a directory, out of a point: to this machine, or into a running pod. For
PATH see "kubectl backup ls". Into a directory that exists the copy goes under its own name;
otherwise the target is the new name. Files that are there are replaced; what the point does not
have stays.

Times, modes and extended attributes are kept; owners too when it runs as root. A path of a pod that
lies on a volume is written by a short-lived pod beside it, so the container needs no shell; any
other by the tar of the container.)";

std::string own_name(const PathArgument& source) {
    const auto name = fs::path(source.path).filename().string();
    return name.empty() ? source.point : name;
}

/// Into a directory that exists it goes under its own name.
fs::path find_target(const fs::path& local, const PathArgument& source) {
    if (fs::is_directory(local)) {
        return local / own_name(source);
    }
    const auto whole = local.filename().empty() ? local.parent_path() : local;
    const auto parent = whole.has_parent_path() ? whole.parent_path() : fs::path(".");
    if (!fs::is_directory(parent)) {
        throw Error(ErrorCode::NotFound,
                    concat("there is no directory ", printable(parent.string())));
    }
    return whole;
}

int copy_to_pod(Context& context, const PlaceInPoint& place, const PodPathArgument& pod) {
    auto& client = context.cluster();
    const auto named = context.arguments().list("namespace");
    restore::PodCopy copy;
    copy.ns = !pod.name_space.empty() ? pod.name_space
              : !named.empty()        ? named.front()
                                      : client.config().default_namespace;
    copy.pod = pod.pod;
    copy.container = pod.container;
    copy.path = pod.path;
    copy.node = place.node;
    copy.name = own_name(place.argument);
    copy.mover_image = context.arguments().text("mover-image");
    copy.owner = volume::make_mover_owner(context.app().random);
    const auto target = concat(copy.ns, "/", copy.pod, ":", copy.path);
    const auto stop = context.app().stop_token();
    restore::PodCopyResult result;
    {
        const auto progress = context.make_progress();
        progress->stage(concat("copy to ", target));
        copy.progress = progress.get();
        result = restore::copy_into_pod(client, embedded_mover(), copy, stop);
    }
    return report_copied(context, result.written, target);
}

int copy_here(Context& context, const PlaceInPoint& place, const fs::path& target) {
    restore::VolumeRestore options;
    options.options.overwrites = true;
    options.options.restores_owners = geteuid() == 0;
    const auto stop = context.app().stop_token();
    volume::SinkResult result;
    {
        const auto progress = context.make_progress();
        progress->stage(concat("copy to ", target.string()));
        options.progress = progress.get();
        result = restore::copy_to_local(place.node, target, options, stop);
    }
    return report_copied(context, result, target.string());
}

int run(Context& context) {
    const auto& arguments = context.arguments();
    const auto from = arguments.argument(0);
    const auto to = arguments.argument(1);
    if (!has_path(from)) {
        throw Error(ErrorCode::Usage, concat("\"", printable(from), "\" is no POINT:PATH"))
            .hint("cp copies out of a point: kubectl backup cp latest:shop/data-0/file .");
    }
    const auto pod = parse_pod_path(to);
    auto& opened = context.repository();
    const auto place = find_place(opened, from, context.app().clock);
    if (place.node->is_directory() && !arguments.is_on("recursive")) {
        throw Error(ErrorCode::InvalidArgument,
                    concat("\"", printable(place.argument.path), "\" is a directory"))
            .hint("-r copies it with all that is in it");
    }
    const auto target = pod ? fs::path(to) : find_target(to, place.argument).lexically_normal();
    warn_of_damage(context, load_point_checks(context, opened.repository), {&place.record, 1});
    if (context.is_dry_run()) {
        context.say(concat("would copy ", from, " to ", target.string()));
        return 0;
    }
    return pod ? copy_to_pod(context, place, *pod) : copy_here(context, place, target);
}

}  // namespace

Command cp_command() {
    Command command;
    command.name = "cp";
    command.group = kBackGroup;
    command.summary = "Copy files out of a point, to here or into a pod";
    command.manual = kManual;
    command.arguments = {{"POINT:PATH", true, false, Completes::PointPath},
                         {"TARGET", true, false, Completes::File}};
    command.flags = {
        {"recursive",
         'r',
         FlagKind::Switch,
         "",
         "",
         "copy directories with all that is in them",
         ""},
        {"namespace",
         'n',
         FlagKind::Text,
         "NAMESPACE",
         "",
         "namespace of the pod, when the target does not name it",
         ""},
        {"mover-image",
         0,
         FlagKind::Text,
         "IMAGE",
         "",
         "image of the pod that writes to a volume (default: one that is on the node already)",
         ""},
        dry_run_flag(),
        output_flag({"table", "json", "yaml"}),
    };
    command.examples = {
        {"One file of a volume", "kubectl backup cp latest:shop/data-0/orders.db ."},
        {"A directory as it was two hours ago",
         "kubectl backup cp -r @2h:shop/data-0/etc ./etc-before"},
        {"Back into the running pod",
         "kubectl backup cp latest:shop/data-0/orders.db shop/web-0:/data/orders.db"}};
    command.exit_codes = "3 when something could not be copied";
    command.run = run;
    return command;
}

}  // namespace backup::plugin
