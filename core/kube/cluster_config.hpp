// SPDX-License-Identifier: Apache-2.0
// Everything needed to reach one API server as one user: what remains of kubeconfig, flags and
// environment once they are resolved. Plain values.
#pragma once

#include "core/base/json.hpp"
#include "core/net/http.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace backup::kube {

enum class InteractiveMode { Never, IfAvailable, Always };

/// users[].user.exec (client.authentication.k8s.io v1 and v1beta1).
struct ExecPlugin {
    std::string api_version;
    std::string command;
    std::vector<std::string> arguments;
    std::vector<std::pair<std::string, std::string>> environment;
    std::string install_hint;
    bool provide_cluster_info = false;
    InteractiveMode interactive_mode = InteractiveMode::IfAvailable;
};

struct Impersonation {
    std::string user;
    std::string uid;
    std::vector<std::string> groups;
    std::map<std::string, std::vector<std::string>> extra;

    bool is_empty() const { return user.empty() && uid.empty() && groups.empty() && extra.empty(); }
};

struct ClusterConfig {
    std::string context;
    std::string cluster;
    std::string user;
    std::string server;  // may have a path prefix
    std::string default_namespace = "default";
    bool is_namespace_explicit = false;

    net::TlsOptions tls;
    std::string proxy_url;
    bool disable_compression = false;

    std::string token;
    std::filesystem::path token_file;
    std::string username;
    std::string password;
    std::optional<ExecPlugin> exec;
    Json exec_cluster_config;  // cluster extension client.authentication.k8s.io/exec
    Impersonation impersonation;

    std::chrono::milliseconds request_timeout{0};  // 0: none
};

}  // namespace backup::kube
