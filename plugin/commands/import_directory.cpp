// SPDX-License-Identifier: Apache-2.0
#include "core/capture/import_directory.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/maintenance/checks.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/commands/made_point.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"
#include "plugin/open_repository.hpp"

#include <algorithm>
#include <filesystem>

namespace backup::plugin {

namespace {

constexpr std::string_view kManual =
    R"(Makes a point of a directory of this machine: the disk of a cluster node, an NFS export, the data
of a machine that moves into the cluster. It needs no cluster. The directory is kept as the volume
NAMESPACE/NAME, so that it can be listed, mounted and restored as any other.

Owner, mode, times, extended attributes, links and holes are kept; run it as root to read
everything. An image file or a block device becomes a block volume. When the same volume was
imported before, files that did not change since are not read again. A file that cannot be read is
in the ledger, and the exit code is 3.)";

struct VolumeName {
    std::string name_space;
    std::string claim;
};

/// It may become a namespace or a claim one day: RFC 1123, as the API server checks it.
bool is_kubernetes_name(std::string_view name) {
    constexpr std::size_t kLongest = 253;
    const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    return !name.empty() && name.size() <= kLongest && is_plain(name.front()) &&
           is_plain(name.back()) && std::ranges::all_of(name, [&is_plain](char c) {
               return is_plain(c) || c == '-' || c == '.';
           });
}

VolumeName parse_volume_name(const std::optional<std::string>& text) {
    if (!text) {
        throw Error(ErrorCode::Usage, "import directory needs --as NAMESPACE/NAME")
            .hint("it says as which volume the directory is kept");
    }
    const auto parts = split(*text, '/');
    if (parts.size() != 2 || parts[0].empty() || parts[1].empty()) {
        throw Error(ErrorCode::Usage,
                    concat("--as cannot be \"", printable(*text), "\": it is NAMESPACE/NAME"));
    }
    for (const auto& part : parts) {
        if (!is_kubernetes_name(part)) {
            throw Error(ErrorCode::Usage,
                        concat("--as cannot be \"",
                               printable(*text),
                               "\": \"",
                               printable(part),
                               "\" is no name in Kubernetes"))
                .hint("small letters, digits, '-' and '.', a letter or digit at both ends");
        }
    }
    return {parts[0], parts[1]};
}

capture::DirectoryImport make_import(Context& context) {
    const auto& arguments = context.arguments();
    capture::DirectoryImport options;
    const auto volume = parse_volume_name(arguments.find_text("as"));
    options.name_space = volume.name_space;
    options.claim = volume.claim;
    const auto path = std::filesystem::absolute(arguments.argument(0)).lexically_normal();
    options.path = path.string();
    std::error_code problem;
    const auto status = std::filesystem::status(path, problem);
    if (!std::filesystem::exists(status)) {
        throw Error(ErrorCode::NotFound, concat("there is no ", printable(options.path)));
    }
    options.is_block_device = !std::filesystem::is_directory(status);
    options.crosses_file_systems = arguments.is_on("cross-file-systems");
    options.exclude = arguments.list("exclude");
    options.verify_writes = !arguments.is_on("no-verify-writes");
    options.point =
        new_point(context, arguments.text("name"), concat(options.name_space, "-", options.claim));
    return options;
}

int run(Context& context) {
    auto options = make_import(context);
    if (context.is_dry_run()) {
        context.say(concat("would make the point ",
                           options.point.name,
                           " of ",
                           options.path,
                           " as volume ",
                           options.name_space,
                           "/",
                           options.claim));
        return 0;
    }
    auto& opened = context.repository_to_write();
    make_name_unique(context, opened, options.point, !context.arguments().text("name").empty());
    options.unsound_packs = maintenance::find_unsound_packs(opened.repository);
    const auto stop = context.app().stop_token();
    capture::ImportedDirectory imported;
    {
        const auto progress = context.make_progress();
        progress->stage(concat("volume ", options.name_space, "/", options.claim));
        options.progress = progress.get();
        imported = capture::import_directory(
            {opened.repository, opened.chunks, context.app().random, context.app().clock},
            options,
            stop);
    }
    hold_when_asked(context, opened, imported.record.point);
    model::Ledger ledger;
    ledger.volumes.push_back(imported.volume);
    return report_made_point(context, imported.record, ledger);
}

}  // namespace

Command import_directory_command() {
    Command command;
    command.name = "import directory";
    command.group = kMakeGroup;
    command.summary = "Make a point of a directory of this machine";
    command.manual = kManual;
    command.arguments = {{"PATH", true, false, Completes::File}};
    command.flags = {
        {"as", 0, FlagKind::Text, "NAMESPACE/NAME", "", "as which volume it is kept", ""},
        {"exclude",
         0,
         FlagKind::Repeated,
         "GLOB",
         "",
         "leave out paths that match; may be repeated",
         ""},
        {"cross-file-systems",
         0,
         FlagKind::Switch,
         "",
         "",
         "go into what is mounted below PATH as well",
         ""},
    };
    for (auto& flag : point_flags(true)) {
        command.flags.push_back(flag);
    }
    command.flags.push_back(dry_run_flag());
    command.flags.push_back(output_flag({"table", "json", "yaml", "name"}));
    command.examples = {
        {"The data of a database, before it moves into the cluster",
         "kubectl backup import directory /var/lib/postgresql --as shop/data-postgres-0"},
        {"How much of it had to be read",
         "kubectl backup import directory /srv --as files/srv -o json | jq "
         "'.ledger.volumes[0].bytesRead'"}};
    command.exit_codes = "3 when files could not be read: the ledger names them";
    command.run = run;
    return command;
}

}  // namespace backup::plugin
