// SPDX-License-Identifier: Apache-2.0
#include "core/base/closest_match.hpp"
#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/text.hpp"
#include "core/kube/kubeconfig.hpp"
#include "core/net/url.hpp"

#include <algorithm>

namespace backup::kube {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLargestPem = 4U << 20U;

Error invalid(std::string message) {
    return Error(ErrorCode::KubeconfigInvalid, std::move(message));
}

template <typename Entry>
const Entry& get_entry(const std::map<std::string, Entry>& entries,
                       const std::string& name,
                       std::string_view kind) {
    const auto found = entries.find(name);
    if (found != entries.end()) {
        return found->second;
    }
    std::vector<std::string> known;
    for (const auto& entry : entries) {
        known.push_back(entry.first);
    }
    auto hint = did_you_mean(name, known);
    if (hint.empty()) {
        hint = known.empty() ? concat("the kubeconfig has no ", kind, " at all")
                             : concat("there are: ", join(known, ", "));
    }
    throw invalid(concat(kind, " '", printable(name), "' does not exist")).hint(std::move(hint));
}

std::string read_text(const fs::path& path) {
    return std::string(as_text(read_file(path, kLargestPem)));
}

/// Data from the kubeconfig, or the content of the file named there.
std::string data_or_file(const std::string& data, const fs::path& file) {
    return data.empty() && !file.empty() ? read_text(file) : data;
}

void reject_both(const std::string& data, const fs::path& file, std::string_view field) {
    if (!data.empty() && !file.empty()) {
        throw invalid(concat(field, "-data and ", field, " are both given"));
    }
}

class Resolver {
  public:
    Resolver(const Kubeconfig& kubeconfig,
             const Overrides& overrides,
             const Environment& environment)
        : kubeconfig_(kubeconfig),
          overrides_(overrides),
          environment_(environment) {}

    ClusterConfig resolve() {
        choose();
        if (cluster_.server.empty()) {
            if (!is_configured() && is_in_pod()) {
                take_service_account();
            } else {
                take_default_server();
            }
        }
        overlay();
        validate();
        return build();
    }

  private:
    bool is_configured() const {
        return !kubeconfig_.clusters.empty() || !kubeconfig_.contexts.empty() ||
               !overrides_.context.empty() || !overrides_.cluster.empty();
    }

    std::string variable(std::string_view name) const {
        return environment_.variable(name).value_or("");
    }

    void choose() {
        config_.context =
            overrides_.context.empty() ? kubeconfig_.current_context : overrides_.context;
        if (!config_.context.empty()) {
            context_ = get_entry(kubeconfig_.contexts, config_.context, "context");
        }
        config_.cluster = overrides_.cluster.empty() ? context_.cluster : overrides_.cluster;
        if (!config_.cluster.empty()) {
            cluster_ = get_entry(kubeconfig_.clusters, config_.cluster, "cluster");
        }
        config_.user = overrides_.user.empty() ? context_.user : overrides_.user;
        if (!config_.user.empty()) {
            user_ = get_entry(kubeconfig_.users, config_.user, "user");
        }
        if (!overrides_.ns.empty()) {
            context_.ns = overrides_.ns;
        }
        if (!overrides_.server.empty()) {
            cluster_.server = overrides_.server;
            cluster_.tls_server_name.clear();
        }
    }

    bool is_in_pod() const {
        std::error_code ignored;
        return !variable("KUBERNETES_SERVICE_HOST").empty() &&
               !variable("KUBERNETES_SERVICE_PORT").empty() &&
               fs::exists(environment_.service_account_directory / "token", ignored);
    }

    void take_service_account() {
        const auto& directory = environment_.service_account_directory;
        const auto host = variable("KUBERNETES_SERVICE_HOST");
        cluster_.server = concat("https://",
                                 host.find(':') == std::string::npos ? host : "[" + host + "]",
                                 ":",
                                 variable("KUBERNETES_SERVICE_PORT"));
        cluster_.ca_file = directory / "ca.crt";
        user_.token_file = directory / "token";
        if (context_.ns.empty()) {
            context_.ns = variable("POD_NAMESPACE");
        }
        std::error_code ignored;
        if (context_.ns.empty() && fs::exists(directory / "namespace", ignored)) {
            context_.ns = trim(read_text(directory / "namespace"));
        }
    }

    void take_default_server() {
        cluster_.server = variable("KUBERNETES_MASTER");
        if (!cluster_.server.empty()) {
            return;
        }
        if (!kubeconfig_.contexts.empty() && config_.context.empty()) {
            throw invalid("the kubeconfig names no current context")
                .hint("choose one with --context, or 'kubectl config use-context NAME'");
        }
        throw invalid("no cluster is configured")
            .hint("give --kubeconfig, set KUBECONFIG, or make ~/.kube/config");
    }

    void overlay() {
        if (overrides_.insecure_skip_tls_verify || !overrides_.certificate_authority.empty()) {
            cluster_.ca_data.clear();
            cluster_.ca_file = overrides_.certificate_authority;
            cluster_.insecure = overrides_.insecure_skip_tls_verify;
        }
        if (!overrides_.tls_server_name.empty()) {
            cluster_.tls_server_name = overrides_.tls_server_name;
        }
        if (!overrides_.client_certificate.empty()) {
            user_.certificate_data.clear();
            user_.certificate_file = overrides_.client_certificate;
        }
        if (!overrides_.client_key.empty()) {
            user_.key_data.clear();
            user_.key_file = overrides_.client_key;
        }
        if (!overrides_.token.empty()) {
            user_.token = overrides_.token;
            user_.token_file.clear();
        }
        overlay_impersonation();
    }

    void overlay_impersonation() {
        const auto& given = overrides_.impersonation;
        auto& impersonation = user_.impersonation;
        if (!given.user.empty()) {
            impersonation.user = given.user;
        }
        if (!given.uid.empty()) {
            impersonation.uid = given.uid;
        }
        if (!given.groups.empty()) {
            impersonation.groups = given.groups;
        }
        if (!given.extra.empty()) {
            impersonation.extra = given.extra;
        }
    }

    void validate() const {
        net::parse_url(cluster_.server);
        reject_both(cluster_.ca_data, cluster_.ca_file, "certificate-authority");
        reject_both(user_.certificate_data, user_.certificate_file, "client-certificate");
        reject_both(user_.key_data, user_.key_file, "client-key");
        const bool has_certificate =
            !user_.certificate_data.empty() || !user_.certificate_file.empty();
        const bool has_key = !user_.key_data.empty() || !user_.key_file.empty();
        if (has_certificate != has_key) {
            throw invalid(has_certificate ? "a client certificate is given without its key"
                                          : "a client key is given without its certificate");
        }
        const bool has_ca = !cluster_.ca_data.empty() || !cluster_.ca_file.empty();
        if (cluster_.insecure && has_ca) {
            throw invalid("insecure-skip-tls-verify and a certificate authority are both given");
        }
        const bool has_token = !user_.token.empty() || !user_.token_file.empty();
        if (has_token && !user_.username.empty()) {
            throw invalid("a token and a user name with password are both given");
        }
        const auto& impersonation = user_.impersonation;
        if (impersonation.user.empty() && !impersonation.is_empty()) {
            throw invalid("impersonation of a uid, group or extra needs a user too")
                .hint("give --as as well");
        }
        validate_proxy();
        validate_provider();
    }

    void validate_proxy() const {
        const auto scheme = cluster_.proxy_url.substr(0, cluster_.proxy_url.find("://"));
        if (!cluster_.proxy_url.empty() && scheme != "http" && scheme != "https" &&
            scheme != "socks5") {
            throw invalid("proxy-url must begin with http://, https:// or socks5://");
        }
    }

    void validate_provider() const {
        if (user_.auth_provider.empty()) {
            return;
        }
        if (user_.exec) {
            throw invalid("exec and auth-provider are both given");
        }
        throw invalid(concat("the auth-provider '",
                             printable(user_.auth_provider),
                             "' is a method that kubectl gave up"))
            .hint("use a credential plugin: kubelogin (oidc, azure), gke-gcloud-auth-plugin (gcp)");
    }

    ClusterConfig build() {
        config_.server = cluster_.server;
        while (config_.server.ends_with('/')) {
            config_.server.pop_back();
        }
        config_.is_namespace_explicit = !context_.ns.empty();
        if (config_.is_namespace_explicit) {
            config_.default_namespace = context_.ns;
        }
        config_.tls.insecure = cluster_.insecure;
        config_.tls.server_name = cluster_.tls_server_name;
        config_.proxy_url = cluster_.proxy_url;
        config_.disable_compression =
            cluster_.disable_compression || overrides_.disable_compression;
        config_.request_timeout = overrides_.request_timeout;
        // Credentials never travel in the clear (client-go: IsConfigTransportTLS).
        if (net::parse_url(config_.server).scheme == "https") {
            config_.tls.ca_pem = data_or_file(cluster_.ca_data, cluster_.ca_file);
            take_user();
        }
        return std::move(config_);
    }

    void take_user() {
        config_.tls.certificate_pem = data_or_file(user_.certificate_data, user_.certificate_file);
        config_.tls.key_pem = data_or_file(user_.key_data, user_.key_file);
        config_.token = user_.token;
        config_.token_file = user_.token_file;
        config_.username = user_.username;
        config_.password = user_.password;
        config_.impersonation = user_.impersonation;
        const bool has_own = !user_.token.empty() || !user_.token_file.empty() ||
                             !user_.username.empty() || !config_.tls.certificate_pem.empty();
        if (user_.exec && !has_own) {
            config_.exec = user_.exec;
            config_.exec_cluster_config = cluster_.exec_config;
        }
    }

    const Kubeconfig& kubeconfig_;
    const Overrides& overrides_;
    const Environment& environment_;
    KubeconfigContext context_;
    KubeconfigCluster cluster_;
    KubeconfigUser user_;
    ClusterConfig config_;
};

}  // namespace

ClusterConfig resolve_cluster(const Kubeconfig& kubeconfig,
                              const Overrides& overrides,
                              const Environment& environment) {
    return Resolver(kubeconfig, overrides, environment).resolve();
}

}  // namespace backup::kube
