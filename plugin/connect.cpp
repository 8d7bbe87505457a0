// SPDX-License-Identifier: Apache-2.0
#include "plugin/connect.hpp"

#include "core/base/log.hpp"
#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "core/kube/client.hpp"
#include "plugin/app.hpp"
#include "plugin/cli/parse.hpp"
#include "plugin/version.hpp"

namespace backup::plugin {

kube::Overrides connection_flags(const ParsedCommand& arguments) {
    kube::Overrides flags;
    flags.kubeconfig = arguments.text("kubeconfig");
    flags.context = arguments.text("context");
    flags.cluster = arguments.text("cluster");
    flags.user = arguments.text("user");
    flags.server = arguments.text("server");
    flags.token = arguments.text("token");
    flags.certificate_authority = arguments.text("certificate-authority");
    flags.client_certificate = arguments.text("client-certificate");
    flags.client_key = arguments.text("client-key");
    flags.tls_server_name = arguments.text("tls-server-name");
    flags.insecure_skip_tls_verify = arguments.is_on("insecure-skip-tls-verify");
    flags.impersonation.user = arguments.text("as");
    flags.impersonation.uid = arguments.text("as-uid");
    flags.impersonation.groups = arguments.list("as-group");
    flags.request_timeout =
        with_context([] { return "--request-timeout"; },
                     [&arguments] {
                         return std::chrono::duration_cast<std::chrono::milliseconds>(
                             parse_duration(arguments.text("request-timeout")));
                     });
    return flags;
}

std::unique_ptr<kube::Client> make_client(const kube::Overrides& overrides,
                                          const App& app,
                                          const Log& log) {
    kube::Environment environment;
    environment.variable = [&app](std::string_view name) {
        return find_variable(app.environment, name);
    };
    kube::ClientOptions options;
    options.user_agent = concat("kubectl-backup/", kVersion, " (linux)");
    options.log = &log;
    // Half a minute: an API server that is restarted does not end a run.
    constexpr int kReconnects = 10;
    options.reconnect.attempts = kReconnects;
    options.clock = &app.clock;
    options.credentials.is_interactive = app.in_is_tty;
    return std::make_unique<kube::Client>(kube::load_cluster_config(overrides, environment),
                                          std::move(options));
}

}  // namespace backup::plugin
