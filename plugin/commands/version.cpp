// SPDX-License-Identifier: Apache-2.0
#include "plugin/version.hpp"

#include "core/base/text.hpp"
#include "core/kube/client.hpp"
#include "core/repository/format.hpp"
#include "plugin/cli/exit_report.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/connect.hpp"
#include "plugin/context.hpp"

#include <ostream>

namespace backup::plugin {

namespace {

constexpr std::string_view kManual =
    R"(Prints the version of this program and of the repository format it writes, and the version of
the cluster when there is one that answers.)";

/// Long enough for a cluster at the other end of the world, short for one that is gone.
constexpr std::chrono::seconds kPatience{10};

std::string server_version(Context& context) {
    auto flags = connection_flags(context.arguments());
    if (flags.request_timeout.count() == 0) {
        flags.request_timeout = kPatience;
    }
    const auto client = make_client(flags, context.app(), context.log());
    return client->server_version(context.app().stop_token()).text;
}

int run(Context& context) {
    const auto output = context.output();
    std::string server;
    if (!context.arguments().is_on("client")) {
        const auto failure = failure_of([&] { server = server_version(context); });
        if (failure) {
            context.warn(concat("the version of the cluster is not known: ", failure->what()));
        }
    }
    if (is_for_programs(output.format)) {
        auto record = Json::object(
            {{"clientVersion", kVersion},
             {"formatVersions", Json::object({{"repository", repository::format::kVersion}})}});
        if (!server.empty()) {
            record["serverVersion"] = server;
        }
        print_record(output, "Version", record);
        return 0;
    }
    output.out << "Client Version: v" << kVersion
               << "\nRepository Format: " << repository::format::kVersion << '\n';
    if (!server.empty()) {
        output.out << "Server Version: " << printable(server) << '\n';
    }
    return 0;
}

}  // namespace

Command version_command() {
    Command command;
    command.name = "version";
    command.group = kOtherGroup;
    command.summary = "Print the versions of this program, its formats and the cluster";
    command.manual = kManual;
    command.flags = {
        {"client", 0, FlagKind::Switch, "", "", "do not ask the cluster", ""},
        output_flag({"table", "json", "yaml"}),
    };
    command.examples = {
        {"Everything", "kubectl backup version"},
        {"For a program, without the cluster", "kubectl backup version --client -o json"}};
    command.run = run;
    return command;
}

}  // namespace backup::plugin
