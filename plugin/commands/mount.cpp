// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "core/repository/secret_handover.hpp"
#include "core/view/resolve.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"
#include "plugin/open_repository.hpp"
#include "plugin/point_checks.hpp"

#include <filesystem>

namespace backup::plugin {

namespace {

constexpr std::string_view kManual =
    R"(Shows all recovery points as directories, read-only, and returns when the tree is ready. The
same tree is what "ls", "cat" and "cp" know:

  latest/  by-name/NAME/  by-time/TIME-NAME/  by-namespace/NS/TIME/
    point.yaml                                    what describe shows
    namespaces/NS/manifests/KIND.GROUP/NAME.yaml  ready for kubectl apply
    namespaces/NS/manifests.yaml                  all of them, in restore order
    namespaces/NS/raw/KIND.GROUP/NAME.json        as the server gave them
    namespaces/NS/volumes/CLAIM/...               the files
  .backup/errors                                  what went wrong while reading

Points that are made while the tree is mounted appear in it. Files keep their owner, mode, times
and extended attributes. It works for ordinary users, with the program fusermount3 of the package
fuse3. "kubectl backup umount DIR" ends it.)";

constexpr std::string_view kSibling = "kubectl-backup-mount";

std::filesystem::path find_daemon(const std::filesystem::path& executable) {
    const auto beside = executable.parent_path() / kSibling;
    for (const auto& path :
         {beside,
          executable.parent_path().parent_path() / "libexec" / "kubectl-backup" / kSibling,
          executable.parent_path().parent_path() / "lib" / "kubectl-backup" / kSibling}) {
        if (std::filesystem::exists(path)) {
            return path;
        }
    }
    throw Error(ErrorCode::MountFailed, concat(kSibling, " is missing: ", beside.string()))
        .hint("install it beside kubectl-backup");
}

/// The daemon's command line. The key goes through a pipe: neither a passphrase command nor a file
/// that only this shell can read is needed again, and nothing secret is in the process list.
std::vector<std::string> daemon_words(Context& context, int secret_descriptor) {
    const auto& arguments = context.arguments();
    std::vector<std::string> words = {find_daemon(context.app().executable).string(),
                                      concat("--repo=", context.settings().repository.url),
                                      concat("--secret-fd=", secret_descriptor)};
    if (const auto size = arguments.find_text("cache-size")) {
        words.push_back(concat("--cache-size=", *size));
    }
    if (const auto levels = context.log_levels(); !levels.empty()) {
        words.push_back(concat("--log=", levels));
    }
    for (const auto* name : {"point", "namespace"}) {
        for (const auto& value : arguments.list(name)) {
            words.push_back(concat("--", name, "=", value));
        }
    }
    for (const auto* name : {"foreground", "allow-other"}) {
        if (arguments.is_on(name)) {
            words.push_back(concat("--", name));
        }
    }
    words.emplace_back("--");
    words.push_back(arguments.argument(0));
    return words;
}

/// The points are read only when some are known to be damaged: the daemon lists them anyway.
void warn_of_damaged_points(Context& context, const repository::Repository& repository) {
    auto checks = load_point_checks(context, repository);
    std::erase_if(checks, [](const auto& item) { return item.second.is_sound; });
    if (checks.empty()) {
        return;
    }
    const auto ignore = [](const std::string&, const Error&) {};
    auto points = list_points(repository, ignore);
    if (const auto named = context.arguments().list("point"); !named.empty()) {
        std::vector<repository::PointRecord> shown;
        for (const auto& name : named) {
            shown.push_back(view::resolve_point(points, name, context.app().clock.now()));
        }
        points = std::move(shown);
    }
    warn_of_damage(context, checks, points);
}

int run(Context& context) {
    if (const auto size = context.arguments().find_text("cache-size")) {
        with_context([] { return "--cache-size"; }, [&size] { return parse_size(*size); });
    }
    const auto opened = open_place(context.settings(), context.app().environment);
    warn_of_damaged_points(context, opened->repository);
    const auto pipe = repository::hand_over_secret(opened->secret);
    return context.app().replace_process(daemon_words(context, pipe.get()));
}

}  // namespace

Command mount_command() {
    Command command;
    command.name = "mount";
    command.group = kLookGroup;
    command.summary = "Mount the recovery points as a file system";
    command.manual = kManual;
    command.arguments = {{"DIR", true, false, Completes::Directory}};
    command.flags = {
        {"point",
         0,
         FlagKind::Repeated,
         "POINT",
         "",
         "show only this point; may be repeated",
         "",
         {},
         Completes::Point},
        {"namespace",
         'n',
         FlagKind::List,
         "NAMESPACE",
         "",
         "show only these namespaces; may be repeated or a comma list",
         ""},
        {"foreground",
         'f',
         FlagKind::Switch,
         "",
         "",
         "stay in the foreground until it is unmounted",
         ""},
        {"allow-other",
         0,
         FlagKind::Switch,
         "",
         "",
         "let other users in (needs user_allow_other in /etc/fuse.conf)",
         ""},
        {"cache-size", 0, FlagKind::Text, "SIZE", "64MiB", "memory for decoded data", ""},
    };
    command.examples = {
        {"All points", "kubectl backup mount /mnt/backups"},
        {"One point, one namespace", "kubectl backup mount --point latest -n shop ~/shop"},
        {"Then",
         "cp ~/shop/latest/namespaces/shop/volumes/data-0/orders.db . && "
         "kubectl backup umount ~/shop"}};
    command.run = run;
    return command;
}

}  // namespace backup::plugin
