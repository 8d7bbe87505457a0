// SPDX-License-Identifier: Apache-2.0
#include "core/base/text.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"
#include "plugin/open_repository.hpp"

#include <ostream>

namespace backup::plugin {

namespace {

constexpr std::string_view kManual =
    R"(The repository is made at --repo, $KUBECTL_BACKUP_REPO, the "repository" of the configuration
file, or in ~/.local/share/kubectl-backup/repository. Everything in it is encrypted. "create" makes
the one in the default place by itself when it is not there yet, so this verb is for choosing
another place or a passphrase.

A new key file is always made, readable by you alone. Keep a copy of it where the repository is
not: without a key nothing in the repository can ever be read again, by anyone. With
--passphrase-file, --passphrase-command or $KUBECTL_BACKUP_PASSPHRASE the passphrase opens the
repository as well.)";

void print_made(Context& context, const MadeRepository& made) {
    const auto output = context.output();
    if (output.format == OutputFormat::Table) {
        output.out << "Repository " << made.id.substr(0, 12) << " made in "
                   << printable(made.location)
                   << "\nKey file: " << printable(made.key_file.string()) << '\n';
        context.say(
            "Keep a copy of the key file in another place: without a key nothing in the "
            "repository can be read.");
        return;
    }
    if (output.format == OutputFormat::Name) {
        output.out << "repository/" << made.id << '\n';
        return;
    }
    print_record(output,
                 "Repository",
                 Json::object({{"id", made.id},
                               {"location", made.location},
                               {"keyFile", made.key_file.string()},
                               {"hasPassphrase", made.has_passphrase}}));
}

int run(Context& context) {
    if (context.is_dry_run()) {
        if (has_repository(context.settings())) {
            throw Error(
                ErrorCode::RepositoryExists,
                concat("there is a repository at ", context.settings().repository.url, " already"));
        }
        context.say(concat("would make a repository in ", context.settings().repository.url));
        return 0;
    }
    print_made(context, make_repository(context.settings(), context.app()));
    return 0;
}

}  // namespace

Command init_command() {
    Command command;
    command.name = "init";
    command.group = kMakeGroup;
    command.summary = "Make a repository and its key";
    command.manual = kManual;
    command.flags = {dry_run_flag(), output_flag({"table", "json", "yaml", "name"})};
    command.examples = {
        {"In the default place", "kubectl backup init"},
        {"On a disk, which is then the default in this shell",
         "export KUBECTL_BACKUP_REPO=/mnt/disk/backups && kubectl backup init"},
        {"With a passphrase beside the key file",
         "kubectl backup init --repo /mnt/disk/backups --passphrase-file pass.txt"}};
    command.run = run;
    return command;
}

}  // namespace backup::plugin
