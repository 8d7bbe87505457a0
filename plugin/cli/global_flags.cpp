// SPDX-License-Identifier: Apache-2.0
#include "plugin/cli/global_flags.hpp"

#include <array>

namespace backup::plugin {

namespace {

using enum FlagKind;

constexpr std::string_view kRepository = "Repository and key";
constexpr std::string_view kCluster = "Cluster connection (as kubectl)";
constexpr std::string_view kOutput = "Output";

std::vector<Flag> repository_flags() {
    return {
        {"repo",
         0,
         Text,
         "URL",
         "",
         "where the repository is: a directory or file:// URL "
         "(default $KUBECTL_BACKUP_REPO, then 'repository' of the configuration file, then "
         "~/.local/share/kubectl-backup/repository)",
         kRepository,
         {},
         Completes::Directory},
        {"key-file",
         0,
         Text,
         "FILE",
         "",
         "the key of the repository (default "
         "~/.config/kubectl-backup/keys/<repository id>.key)",
         kRepository,
         {},
         Completes::File},
        {"passphrase-file",
         0,
         Text,
         "FILE",
         "",
         "read the passphrase from a file; "
         "$KUBECTL_BACKUP_PASSPHRASE holds the passphrase itself",
         kRepository,
         {},
         Completes::File},
        {"passphrase-command",
         0,
         Text,
         "COMMAND",
         "",
         "run this command and read the passphrase "
         "from its output",
         kRepository},
    };
}

std::vector<Flag> cluster_flags() {
    return {
        {"namespace",
         'n',
         List,
         "NAMESPACE",
         "",
         "namespace; may be repeated or a comma list",
         kCluster},
        {"all-namespaces", 'A', Switch, "", "", "all namespaces", kCluster},
        {"kubeconfig",
         0,
         Text,
         "FILE",
         "",
         "kubeconfig file (default $KUBECONFIG, then "
         "~/.kube/config)",
         kCluster,
         {},
         Completes::File},
        {"context", 0, Text, "NAME", "", "context of the kubeconfig file", kCluster},
        {"cluster", 0, Text, "NAME", "", "cluster of the kubeconfig file", kCluster},
        {"user", 0, Text, "NAME", "", "user of the kubeconfig file", kCluster},
        {"server", 's', Text, "URL", "", "address and port of the API server", kCluster},
        {"token", 0, Text, "TOKEN", "", "bearer token for the API server", kCluster},
    };
}

std::vector<Flag> identity_flags() {
    return {
        {"as", 0, Text, "USER", "", "user or service account to impersonate", kCluster},
        {"as-group", 0, Repeated, "GROUP", "", "group to impersonate; may be repeated", kCluster},
        {"as-uid", 0, Text, "UID", "", "UID to impersonate", kCluster},
        {"certificate-authority",
         0,
         Text,
         "FILE",
         "",
         "certificate authority of the API server",
         kCluster,
         {},
         Completes::File},
        {"client-certificate",
         0,
         Text,
         "FILE",
         "",
         "client certificate for TLS",
         kCluster,
         {},
         Completes::File},
        {"client-key", 0, Text, "FILE", "", "client key for TLS", kCluster, {}, Completes::File},
        {"insecure-skip-tls-verify",
         0,
         Switch,
         "",
         "",
         "do not check the API server's certificate",
         kCluster},
        {"tls-server-name",
         0,
         Text,
         "NAME",
         "",
         "name to check the API server's certificate "
         "against",
         kCluster},
        {"request-timeout",
         0,
         Text,
         "DURATION",
         "0",
         "give up on one request after this long "
         "(30s, 2m); 0 waits for ever",
         kCluster},
    };
}

std::vector<Flag> output_flags() {
    return {
        {"no-headers", 0, Switch, "", "", "leave the column headers out", kOutput},
        {"color",
         0,
         Text,
         "WHEN",
         "auto",
         "auto, always or never; NO_COLOR is honoured",
         kOutput,
         {"auto", "always", "never"}},
        {"progress",
         0,
         Text,
         "HOW",
         "auto",
         "auto, bar, plain, json or none; on standard error",
         kOutput,
         {"auto", "bar", "plain", "json", "none"}},
        {"log",
         0,
         Text,
         "LAYER=LEVEL,...",
         "",
         "log of one part of the program: "
         "kube=debug,repository=trace, or one level for all (also $KUBECTL_BACKUP_LOG)",
         kOutput},
        {"verbosity",
         'v',
         Text,
         "N",
         "0",
         "log level as a number, as kubectl takes it: 2 info, "
         "4 debug, 8 trace",
         kOutput},
        {"help", 'h', Switch, "", "", "help for the verb", kOutput},
    };
}

std::vector<Flag> make_global_flags() {
    std::vector<Flag> all;
    for (const auto& part :
         {repository_flags(), cluster_flags(), identity_flags(), output_flags()}) {
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

}  // namespace

std::span<const Flag> global_flags() {
    static const std::vector<Flag> flags = make_global_flags();
    return flags;
}

Flag output_flag(std::initializer_list<std::string> formats) {
    static constexpr std::string_view kDefault = "table";
    Flag flag{"output", 'o', Text, "FORMAT", "", "output format", ""};
    flag.choices.assign(formats.begin(), formats.end());
    if (!flag.choices.empty() && flag.choices.front() == kDefault) {
        flag.default_text = kDefault;
    }
    return flag;
}

Flag dry_run_flag(std::string_view summary) {
    return {"dry-run", 0, OptionalValue, "client", "", summary, "", {"none", "client", "server"}};
}

}  // namespace backup::plugin
