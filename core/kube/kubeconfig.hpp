// SPDX-License-Identifier: Apache-2.0
// kubeconfig files: found, merged and resolved as client-go does it (tools/clientcmd loader.go,
// client_config.go, validation.go), with the connection flags of kubectl laid over them.
#pragma once

#include "core/kube/cluster_config.hpp"

#include <functional>
#include <string_view>

namespace backup::kube {

/// Where a program finds itself; tests make their own.
struct Environment {
    std::function<std::optional<std::string>(std::string_view name)> variable;
    std::filesystem::path service_account_directory =
        "/var/run/secrets/kubernetes.io/serviceaccount";
};

/// kubectl's connection flags; empty: not given.
struct Overrides {
    std::string kubeconfig;
    std::string context;
    std::string cluster;
    std::string user;
    std::string ns;
    std::string server;
    std::string token;
    std::string certificate_authority;
    std::string client_certificate;
    std::string client_key;
    std::string tls_server_name;
    bool insecure_skip_tls_verify = false;
    bool disable_compression = false;
    Impersonation impersonation;
    std::chrono::milliseconds request_timeout{0};
};

struct KubeconfigCluster {
    std::string server;
    std::string tls_server_name;
    bool insecure = false;
    std::filesystem::path ca_file;
    std::string ca_data;  // decoded
    std::string proxy_url;
    bool disable_compression = false;
    Json exec_config;
};

struct KubeconfigUser {
    std::filesystem::path certificate_file;
    std::string certificate_data;
    std::filesystem::path key_file;
    std::string key_data;
    std::string token;
    std::filesystem::path token_file;
    std::string username;
    std::string password;
    Impersonation impersonation;
    std::optional<ExecPlugin> exec;
    std::string auth_provider;  // the name of a legacy provider
};

struct KubeconfigContext {
    std::string cluster;
    std::string user;
    std::string ns;
};

struct Kubeconfig {
    std::map<std::string, KubeconfigCluster> clusters;
    std::map<std::string, KubeconfigUser> users;
    std::map<std::string, KubeconfigContext> contexts;
    std::string current_context;

    /// Adds what is not there yet: the first file that names an entry wins, whole.
    void merge(Kubeconfig later);
};

/// One file's text; relative paths are joined to `directory`. Throws KubeconfigInvalid (duplicate
/// names, wrong base64, unknown interactiveMode) or InvalidArgument (no YAML).
Kubeconfig parse_kubeconfig(std::string_view text, const std::filesystem::path& directory);

/// --kubeconfig, else the list in $KUBECONFIG, else $HOME/.kube/config. A missing file is an error
/// only for --kubeconfig.
Kubeconfig load_kubeconfig(const Overrides& overrides, const Environment& environment);

/// Chooses context, cluster and user, lays the flags over, reads certificate files, validates.
/// Falls back to the service account of the pod we run in. Throws KubeconfigInvalid with a hint.
ClusterConfig resolve_cluster(const Kubeconfig& kubeconfig,
                              const Overrides& overrides,
                              const Environment& environment);

inline ClusterConfig load_cluster_config(const Overrides& overrides,
                                         const Environment& environment) {
    return resolve_cluster(load_kubeconfig(overrides, environment), overrides, environment);
}

}  // namespace backup::kube
