// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/restore/free_space.hpp"
#include "core/restore/restore_volume.hpp"
#include "core/view/point_files.hpp"
#include "core/view/walk.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/commands/copied.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"
#include "plugin/find_point.hpp"
#include "plugin/open_repository.hpp"
#include "plugin/point_checks.hpp"

#include <filesystem>
#include <unistd.h>

namespace backup::plugin {

namespace {

constexpr std::string_view kManual =
    R"(Writes the files of a volume into a directory of this machine, exactly as they were: owner, mode,
times, extended attributes, links and holes. It needs no cluster. Run it as root to restore owners.

The directory must be empty or missing; with --overwrite files that are there are replaced, and what
the point does not have stays.)";

view::NodePointer get_volume(const view::NodePointer& root, const std::string& name) {
    const auto parts = split(name, '/');
    if (parts.size() != 2 || parts[0].empty() || parts[1].empty()) {
        throw Error(ErrorCode::Usage,
                    concat("--volume cannot be \"", printable(name), "\": it is NAMESPACE/CLAIM"));
    }
    const auto path = concat("namespaces/", parts[0], "/volumes/", parts[1]);
    if (view::find_path(root, path + ".img") != nullptr) {
        throw Error(ErrorCode::InvalidArgument, concat(name, " is a block volume"))
            .hint(concat("its image is a file: 'kubectl backup cp POINT:", path, ".img FILE'"));
    }
    return view::get_path(root, path);
}

int run(Context& context) {
    const auto& arguments = context.arguments();
    const auto volume_name = arguments.find_text("volume");
    const auto target = arguments.find_text("to-directory");
    if (!volume_name || !target) {
        throw Error(ErrorCode::Usage,
                    "restore needs --volume NAMESPACE/CLAIM and --to-directory DIR");
    }
    auto& opened = context.repository();
    const auto record = find_point(opened, arguments.argument(0), context.app().clock);
    warn_of_damage(context, load_point_checks(context, opened.repository), {&record, 1});
    const auto node = get_volume(view::open_point(opened.chunks, record), *volume_name);
    const auto directory = std::filesystem::absolute(*target).lexically_normal();
    if (context.is_dry_run()) {
        restore::check_room(node, directory, context.app().stop_token());
        context.say(concat(
            "would restore ", *volume_name, " of ", record.point.name, " to ", directory.string()));
        return 0;
    }
    restore::VolumeRestore options;
    options.options.overwrites = arguments.is_on("overwrite");
    options.options.restores_owners = geteuid() == 0;
    const auto stop = context.app().stop_token();
    volume::SinkResult result;
    {
        const auto progress = context.make_progress();
        progress->stage(concat("volume ", *volume_name));
        options.progress = progress.get();
        result = restore::restore_volume_to_directory(node, directory, options, stop);
    }
    return report_copied(context, result, directory.string());
}

}  // namespace

Command restore_command() {
    Command command;
    command.name = "restore";
    command.group = kBackGroup;
    command.summary = "Restore a volume to a directory";
    command.manual = kManual;
    command.arguments = {{"POINT", true, false, Completes::Point}};
    command.flags = {
        {"volume", 0, FlagKind::Text, "NAMESPACE/CLAIM", "", "the volume to restore", ""},
        {"to-directory",
         0,
         FlagKind::Text,
         "DIR",
         "",
         "where to put its files",
         "",
         {},
         Completes::Directory},
        {"overwrite", 0, FlagKind::Switch, "", "", "also into a directory that is not empty", ""},
        dry_run_flag(),
        output_flag({"table", "json", "yaml"}),
    };
    command.examples = {{"A volume of the newest point",
                         "kubectl backup restore latest --volume shop/data-0 "
                         "--to-directory /srv/data-0"}};
    command.exit_codes = "3 when something could not be restored";
    command.run = run;
    return command;
}

}  // namespace backup::plugin
