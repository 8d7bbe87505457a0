// SPDX-License-Identifier: Apache-2.0
#include "core/base/bytes.hpp"
#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/mount_table.hpp"
#include "core/base/process.hpp"
#include "core/base/retry.hpp"
#include "core/base/text.hpp"
#include "plugin/cli/exit_report.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"

#include <csignal>
#include <string>
#include <unistd.h>
#include <utility>

namespace backup::plugin {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view kManual =
    R"(Ends a mount and waits until its daemon is gone, so that the next command finds nothing left.
A directory that is in use by a shell or a program cannot be unmounted; --lazy takes it away at
once and ends the daemon when the last user is gone. Mount namespaces of others, those of containers
that were started meanwhile, may have a copy of the mount: it ends with it.)";

constexpr std::string_view kType = "fuse.kubectl-backup";

MountEntry get_mount(const std::filesystem::path& directory) {
    const auto found = find_mount(read_mount_table(), directory);
    if (!found) {
        throw Error(ErrorCode::NotMounted, concat("nothing is mounted on ", directory.string()));
    }
    if (found->type != kType) {
        throw Error(ErrorCode::NotMounted,
                    concat(directory.string(),
                           " is a mount of type ",
                           printable(found->type),
                           ", not one of recovery points"));
    }
    return *found;
}

void unmount(const std::filesystem::path& directory, bool lazy) {
    ProcessOptions options;
    if (geteuid() == 0) {
        options.command = {"umount"};
        if (lazy) {
            options.command.emplace_back("-l");
        }
    } else {
        options.command = {"fusermount3", lazy ? "-uz" : "-u"};
    }
    options.command.emplace_back("--");
    options.command.push_back(directory.string());
    const auto result = run_process(options);
    if (result.exit_code != 0) {
        throw Error(ErrorCode::MountPointBusy, concat("cannot unmount ", directory.string()))
            .hint(
                "leave the directory in every shell and program ('fuser -vm DIR' names them), or "
                "use --lazy");
    }
}

/// A dead one whose parent does not fetch its exit code (process 1 of many containers) is gone too.
bool is_alive(const std::string& process_id) {
    const std::filesystem::path status = concat("/proc/", process_id, "/status");
    bool is_there = false;
    static_cast<void>(failure_of([&] {
        const auto bytes = read_file(status);
        is_there = as_text(bytes).find("\nState:\tZ") == std::string_view::npos;
    }));
    return is_there;
}

/// The daemon's process id from the mount's own status file; empty when it does not answer.
std::string daemon_process(const std::filesystem::path& directory) {
    const auto path = directory / ".backup" / "status";
    std::error_code problem;
    if (!std::filesystem::exists(path, problem)) {
        return {};
    }
    const auto bytes = read_file(path);
    for (const auto& line : split(as_text(bytes), '\n')) {
        if (line.starts_with("pid: ")) {
            const auto number = trim(std::string_view(line).substr(5));
            constexpr std::size_t kMostDigits = 9;
            const bool is_number = number.size() <= kMostDigits &&
                                   number.find_first_not_of("0123456789") == std::string_view::npos;
            return is_number ? std::string(number) : std::string();
        }
    }
    return {};
}

/// Nobody here uses the mount any more, but a copy of it in another mount namespace keeps the
/// daemon, and nobody can unmount that from here.
void end_daemon(const std::string& process_id, const MountEntry& mount) {
    for (const auto& other : read_mount_table()) {
        if (other.device == mount.device) {
            throw Error(ErrorCode::MountPointBusy,
                        concat("unmounted, but it is mounted on ", printable(other.point), ", too"))
                .hint("unmount that as well: its daemon ends with the last one");
        }
    }
    static_cast<void>(failure_of([&] {
        // The number may be another process's by now.
        const auto bytes = read_file(concat("/proc/", process_id, "/comm"));
        if (as_text(bytes).starts_with("kubectl-backup-")) {
            ::kill(std::stoi(process_id), SIGTERM);
        }
    }));
}

int run(Context& context) {
    const auto& arguments = context.arguments();
    const auto directory = mount_point_path(arguments.argument(0));
    const auto mount = get_mount(directory);
    const bool lazy = arguments.is_on("lazy");
    const auto process_id = daemon_process(directory);
    unmount(directory, lazy);
    const auto stop = context.app().stop_token();
    // By itself it takes milliseconds.
    constexpr auto kOwnEnd = 2s;
    constexpr auto kPatience = 30s;
    const auto begin = context.app().clock.steady_now();
    bool is_told = false;
    while (!lazy && !process_id.empty() && is_alive(process_id)) {
        const auto elapsed = context.app().clock.steady_now() - begin;
        if (elapsed > kOwnEnd && !std::exchange(is_told, true)) {
            end_daemon(process_id, mount);
        }
        if (elapsed > kPatience) {
            throw Error(
                ErrorCode::TimedOut,
                concat("unmounted, but the daemon (process ", process_id, ") is still there"));
        }
        if (!sleep_for(20ms, stop)) {
            throw Error(ErrorCode::Interrupted, "interrupted while the daemon ends");
        }
    }
    return 0;
}

}  // namespace

Command umount_command() {
    Command command;
    command.name = "umount";
    command.aliases = {"unmount"};
    command.group = kLookGroup;
    command.summary = "End a mount";
    command.manual = kManual;
    command.arguments = {{"DIR", true, false, Completes::Directory}};
    command.flags = {{"lazy",
                      'l',
                      FlagKind::Switch,
                      "",
                      "",
                      "also when it is in use: take it away now, end it later",
                      ""}};
    command.examples = {{"End the mount", "kubectl backup umount /mnt/backups"}};
    command.run = run;
    return command;
}

}  // namespace backup::plugin
