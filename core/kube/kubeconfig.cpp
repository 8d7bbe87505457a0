// SPDX-License-Identifier: Apache-2.0
#include "core/kube/kubeconfig.hpp"

#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/text.hpp"
#include "core/base/yaml.hpp"

#include <algorithm>
#include <set>

namespace backup::kube {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLargestKubeconfig = 16U << 20U;

Error invalid(std::string message) {
    return Error(ErrorCode::KubeconfigInvalid, std::move(message));
}

/// Scalars as people write them: a number or bool where a string is meant is taken by its text.
std::string text_of(const Json& record, std::string_view name) {
    const auto* value = record.find(name);
    if (value == nullptr || value->is_null()) {
        return {};
    }
    if (value->is_string()) {
        return value->string();
    }
    if (value->is_number()) {
        return value->number_text();
    }
    throw invalid(concat("'", name, "' must be a string"));
}

std::string decoded(const Json& record, std::string_view name) {
    return with_context([name] { return concat("'", name, "'"); },
                        [&] { return std::string(as_text(from_base64(text_of(record, name)))); });
}

const Json::Array& items_of(const Json& record, std::string_view name) {
    static const Json::Array none;
    const auto* list = record.find(name);
    if (list == nullptr || list->is_null()) {
        return none;
    }
    if (!list->is_array()) {
        throw invalid(concat("'", name, "' must be a list"));
    }
    return list->items();
}

std::vector<std::string> strings_of(const Json& record, std::string_view name) {
    std::vector<std::string> out;
    for (const auto& item : items_of(record, name)) {
        out.push_back(item.is_number() ? item.number_text() : item.string());
    }
    return out;
}

fs::path path_of(const Json& record, std::string_view name, const fs::path& directory) {
    const fs::path path = text_of(record, name);
    return path.empty() || path.is_absolute() ? path : (directory / path).lexically_normal();
}

KubeconfigCluster read_cluster(const Json& record, const fs::path& directory) {
    KubeconfigCluster cluster;
    cluster.server = text_of(record, "server");
    cluster.tls_server_name = text_of(record, "tls-server-name");
    cluster.insecure = record.bool_at({"insecure-skip-tls-verify"});
    cluster.ca_file = path_of(record, "certificate-authority", directory);
    cluster.ca_data = decoded(record, "certificate-authority-data");
    cluster.proxy_url = text_of(record, "proxy-url");
    cluster.disable_compression = record.bool_at({"disable-compression"});
    for (const auto& extension : items_of(record, "extensions")) {
        const auto* content = extension.find("extension");
        if (content != nullptr &&
            text_of(extension, "name") == "client.authentication.k8s.io/exec") {
            cluster.exec_config = *content;
        }
    }
    return cluster;
}

InteractiveMode read_interactive_mode(const ExecPlugin& plugin, const Json& record) {
    const auto mode = text_of(record, "interactiveMode");
    if (mode == "Never") {
        return InteractiveMode::Never;
    }
    if (mode == "Always") {
        return InteractiveMode::Always;
    }
    // v1 made the field mandatory; v1beta1 has this default.
    if (mode == "IfAvailable" || (mode.empty() && plugin.api_version.ends_with("/v1beta1"))) {
        return InteractiveMode::IfAvailable;
    }
    throw invalid(mode.empty() ? "exec: interactiveMode must be set"
                               : concat("exec: unknown interactiveMode '", printable(mode), "'"));
}

ExecPlugin read_exec(const Json& record, const fs::path& directory) {
    ExecPlugin plugin;
    plugin.api_version = text_of(record, "apiVersion");
    if (plugin.api_version != "client.authentication.k8s.io/v1" &&
        plugin.api_version != "client.authentication.k8s.io/v1beta1") {
        throw invalid(
            concat("exec: apiVersion '", printable(plugin.api_version), "' is not supported"))
            .hint(
                "use client.authentication.k8s.io/v1: a newer version of the credential plugin "
                "does");
    }
    plugin.command = text_of(record, "command");
    if (plugin.command.empty()) {
        throw invalid("exec: command must be set");
    }
    if (plugin.command.find('/') != std::string::npos) {
        plugin.command = path_of(record, "command", directory).string();
    }
    plugin.arguments = strings_of(record, "args");
    for (const auto& item : items_of(record, "env")) {
        plugin.environment.emplace_back(text_of(item, "name"), text_of(item, "value"));
    }
    plugin.install_hint = text_of(record, "installHint");
    plugin.provide_cluster_info = record.bool_at({"provideClusterInfo"});
    plugin.interactive_mode = read_interactive_mode(plugin, record);
    return plugin;
}

KubeconfigUser read_user(const Json& record, const fs::path& directory) {
    KubeconfigUser user;
    user.certificate_file = path_of(record, "client-certificate", directory);
    user.certificate_data = decoded(record, "client-certificate-data");
    user.key_file = path_of(record, "client-key", directory);
    user.key_data = decoded(record, "client-key-data");
    user.token = text_of(record, "token");
    user.token_file = path_of(record, "tokenFile", directory);
    user.username = text_of(record, "username");
    user.password = text_of(record, "password");
    user.impersonation.user = text_of(record, "as");
    user.impersonation.uid = text_of(record, "as-uid");
    user.impersonation.groups = strings_of(record, "as-groups");
    if (const auto* extra = record.find("as-user-extra"); extra != nullptr && extra->is_object()) {
        for (const auto& [name, values] : extra->members()) {
            user.impersonation.extra[name] = strings_of(*extra, name);
        }
    }
    if (const auto* exec = record.find("exec"); exec != nullptr && !exec->is_null()) {
        user.exec = read_exec(*exec, directory);
    }
    user.auth_provider = record.text_at({"auth-provider", "name"});
    return user;
}

KubeconfigContext read_context(const Json& record, const fs::path&) {
    return {text_of(record, "cluster"), text_of(record, "user"), text_of(record, "namespace")};
}

struct Section {
    const char* list;
    const char* item;
};

template <typename Entry, typename Read>
void read_named(const Json& document,
                Section section,
                std::map<std::string, Entry>& out,
                const Read& read) {
    for (const auto& item : items_of(document, section.list)) {
        const auto name = text_of(item, "name");
        const auto* body = item.find(section.item);
        if (out.contains(name)) {
            throw invalid(concat("duplicate name '", printable(name), "' in ", section.list));
        }
        with_context([&] { return concat(section.item, " '", printable(name), "'"); },
                     [&] { out.emplace(name, read(body == nullptr ? Json() : *body)); });
    }
}

Kubeconfig read_file_at(const fs::path& path) {
    return with_context([&path] { return path.string(); },
                        [&path] {
                            const auto bytes = read_file(path, kLargestKubeconfig);
                            return parse_kubeconfig(as_text(bytes),
                                                    fs::absolute(path).parent_path());
                        });
}

std::vector<fs::path> default_paths(const Environment& environment) {
    std::vector<fs::path> paths;
    const auto list = environment.variable("KUBECONFIG");
    if (list && !list->empty()) {
        std::set<std::string> seen;
        for (auto& path : split(*list, ':')) {
            if (!path.empty() && seen.insert(path).second) {
                paths.emplace_back(std::move(path));
            }
        }
    } else if (const auto home = environment.variable("HOME"); home && !home->empty()) {
        paths.push_back(fs::path(*home) / ".kube" / "config");
    }
    return paths;
}

}  // namespace

void Kubeconfig::merge(Kubeconfig later) {
    clusters.merge(later.clusters);
    users.merge(later.users);
    contexts.merge(later.contexts);
    if (current_context.empty()) {
        current_context = std::move(later.current_context);
    }
}

Kubeconfig parse_kubeconfig(std::string_view text, const std::filesystem::path& directory) {
    Kubeconfig kubeconfig;
    if (trim(text).empty()) {
        return kubeconfig;
    }
    const auto document = parse_yaml(text);
    if (!document.is_object() && !document.is_null()) {
        throw invalid("not a kubeconfig file");
    }
    const auto with_directory = [&directory](auto read) {
        return [&directory, read](const Json& record) { return read(record, directory); };
    };
    read_named(
        document, {"clusters", "cluster"}, kubeconfig.clusters, with_directory(&read_cluster));
    read_named(document, {"users", "user"}, kubeconfig.users, with_directory(&read_user));
    read_named(
        document, {"contexts", "context"}, kubeconfig.contexts, with_directory(&read_context));
    kubeconfig.current_context = text_of(document, "current-context");
    return kubeconfig;
}

Kubeconfig load_kubeconfig(const Overrides& overrides, const Environment& environment) {
    if (!overrides.kubeconfig.empty()) {
        return read_file_at(overrides.kubeconfig);
    }
    Kubeconfig merged;
    for (const auto& path : default_paths(environment)) {
        std::error_code ignored;
        if (fs::exists(path, ignored)) {
            merged.merge(read_file_at(path));
        }
    }
    return merged;
}

}  // namespace backup::kube
