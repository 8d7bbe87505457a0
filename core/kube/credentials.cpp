// SPDX-License-Identifier: Apache-2.0
#include "core/kube/credentials.hpp"

#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/text.hpp"

#include <algorithm>

namespace backup::kube {

namespace {

constexpr std::chrono::seconds kTokenFileAge{60};
constexpr std::uint64_t kLargestToken = 1U << 20U;

/// A header name is a token (RFC 9110 5.6.2); other bytes of an extra key are percent-escaped, as
/// client-go does it.
std::string header_key(std::string_view key) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    constexpr std::string_view legal = "!#$&'*+-.^_`|~";
    std::string out;
    for (const char character : key) {
        const bool is_alphanumeric = (character >= '0' && character <= '9') ||
                                     (character >= 'a' && character <= 'z') ||
                                     (character >= 'A' && character <= 'Z');
        if (is_alphanumeric || legal.find(character) != std::string_view::npos) {
            out += character;
            continue;
        }
        const auto byte = static_cast<unsigned char>(character);
        out += '%';
        out += digits[byte >> 4U];
        out += digits[byte & 0xfU];
    }
    return out;
}

void check_header_value(std::string_view value, std::string_view what) {
    if (std::any_of(value.begin(), value.end(), [](char character) {
            return (static_cast<unsigned char>(character) < ' ' && character != '\t') ||
                   character == '\x7f';
        })) {
        throw Error(ErrorCode::KubeconfigInvalid,
                    concat("the ", what, " holds characters an HTTP header cannot carry"));
    }
}

net::Headers make_impersonation_headers(const Impersonation& impersonation) {
    net::Headers headers;
    if (!impersonation.user.empty()) {
        headers.emplace_back("Impersonate-User", impersonation.user);
    }
    if (!impersonation.uid.empty()) {
        headers.emplace_back("Impersonate-Uid", impersonation.uid);
    }
    for (const auto& group : impersonation.groups) {
        headers.emplace_back("Impersonate-Group", group);
    }
    for (const auto& [key, values] : impersonation.extra) {
        for (const auto& value : values) {
            headers.emplace_back("Impersonate-Extra-" + header_key(key), value);
        }
    }
    for (const auto& [name, value] : headers) {
        check_header_value(value, "impersonated identity");
    }
    return headers;
}

std::string bearer(std::string_view token) {
    check_header_value(token, "token");
    return concat("Bearer ", token);
}

Error plugin_error(const ExecPlugin& plugin, std::string_view what) {
    auto error = Error(ErrorCode::Unauthorized,
                       concat("the credential plugin ", printable(plugin.command), " ", what));
    return plugin.install_hint.empty() ? error
                                       : std::move(error).hint(printable(plugin.install_hint));
}

std::string exec_info(const ClusterConfig& config, bool is_interactive) {
    auto spec = Json::object({{"interactive", is_interactive}});
    if (config.exec->provide_cluster_info) {
        auto& cluster = spec["cluster"];
        cluster["server"] = config.server;
        if (!config.tls.server_name.empty()) {
            cluster["tls-server-name"] = config.tls.server_name;
        }
        if (config.tls.insecure) {
            cluster["insecure-skip-tls-verify"] = true;
        }
        if (!config.tls.ca_pem.empty()) {
            cluster["certificate-authority-data"] = to_base64(as_bytes(config.tls.ca_pem));
        }
        if (!config.proxy_url.empty()) {
            cluster["proxy-url"] = config.proxy_url;
        }
        if (config.disable_compression) {
            cluster["disable-compression"] = true;
        }
        cluster["config"] = config.exec_cluster_config;
    }
    return format_json(Json::object({{"kind", "ExecCredential"},
                                     {"apiVersion", config.exec->api_version},
                                     {"spec", std::move(spec)}}));
}

}  // namespace

Credentials::Credentials(const ClusterConfig& config, Clock& clock, CredentialsOptions options)
    : config_(config),
      clock_(clock),
      options_(std::move(options)),
      impersonation_headers_(make_impersonation_headers(config.impersonation)) {}

Credential Credentials::current() {
    auto state = state_.lock();
    const bool is_old =
        !config_.token_file.empty() && clock_.steady_now() - state->read_at >= kTokenFileAge;
    const bool is_expired = state->expires && clock_.now() > *state->expires;
    if (!state->is_valid || is_old || is_expired) {
        refresh(*state);
    }
    return state->credential;
}

bool Credentials::renew(std::uint64_t rejected_generation) {
    auto state = state_.lock();
    if (state->credential.generation != rejected_generation) {
        return true;
    }
    if (!config_.exec && config_.token_file.empty()) {
        return false;
    }
    refresh(*state);
    return state->credential.generation != rejected_generation;
}

void Credentials::refresh(State& state) {
    auto& credential = state.credential;
    if (config_.exec) {
        run_plugin(state);
    } else if (!config_.token_file.empty()) {
        read_token_file(state);
    } else {
        credential.certificate_pem = config_.tls.certificate_pem;
        credential.key_pem = config_.tls.key_pem;
        if (!config_.token.empty()) {
            credential.authorization = bearer(config_.token);
        } else if (!config_.username.empty()) {
            credential.authorization =
                "Basic " + to_base64(as_bytes(config_.username + ":" + config_.password));
        }
        ++credential.generation;
    }
    state.is_valid = true;
}

void Credentials::read_token_file(State& state) {
    std::error_code missing;
    if (state.is_valid && !std::filesystem::exists(config_.token_file, missing)) {
        return;
    }
    const auto bytes = read_file(config_.token_file, kLargestToken);
    const auto token = trim(as_text(bytes));
    state.read_at = clock_.steady_now();
    if (token.empty()) {
        if (!state.is_valid) {
            throw Error(ErrorCode::KubeconfigInvalid,
                        concat("the token file ", config_.token_file.string(), " is empty"));
        }
        return;
    }
    auto authorization = bearer(token);
    if (authorization != state.credential.authorization) {
        state.credential.authorization = std::move(authorization);
        state.credential.certificate_pem = config_.tls.certificate_pem;
        state.credential.key_pem = config_.tls.key_pem;
        ++state.credential.generation;
    }
}

ProcessOptions Credentials::plugin_process() const {
    const auto& plugin = *config_.exec;
    const bool is_interactive =
        options_.is_interactive && plugin.interactive_mode != InteractiveMode::Never;
    if (plugin.interactive_mode == InteractiveMode::Always && !is_interactive) {
        throw plugin_error(plugin, "needs a terminal to ask on");
    }
    ProcessOptions process;
    process.command = {plugin.command};
    process.command.insert(process.command.end(), plugin.arguments.begin(), plugin.arguments.end());
    for (const auto& [name, value] : plugin.environment) {
        process.environment[name] = value;
    }
    process.environment["KUBERNETES_EXEC_INFO"] = exec_info(config_, is_interactive);
    process.inherit_stdin = is_interactive;
    // A person may have to log in in a browser.
    process.timeout = std::chrono::minutes(is_interactive ? 10 : 2);
    return process;
}

void Credentials::run_plugin(State& state) {
    const auto& plugin = *config_.exec;
    const auto result =
        with_context([&plugin] { return concat("credential plugin ", printable(plugin.command)); },
                     [this] { return options_.run(plugin_process()); });
    if (result.exit_code != 0) {
        throw plugin_error(plugin, concat("ended with exit code ", result.exit_code));
    }
    const auto answer = parse_json(result.output);
    const auto* status = answer.find("status");
    if (answer.text_at({"kind"}) != "ExecCredential" ||
        answer.text_at({"apiVersion"}) != plugin.api_version || status == nullptr) {
        throw plugin_error(plugin,
                           concat("did not print an ExecCredential of ", plugin.api_version));
    }
    Credential next;
    const auto token = status->text_at({"token"});
    next.certificate_pem = status->text_at({"clientCertificateData"});
    next.key_pem = status->text_at({"clientKeyData"});
    if ((token.empty() && next.certificate_pem.empty()) ||
        next.certificate_pem.empty() != next.key_pem.empty()) {
        throw plugin_error(plugin, "gave neither a token nor a certificate with its key");
    }
    next.authorization = token.empty() ? "" : bearer(token);
    next.generation = state.credential.generation + 1;
    const auto expires = status->text_at({"expirationTimestamp"});
    state.expires = expires.empty() ? std::nullopt : std::optional(parse_rfc3339(expires));
    state.credential = std::move(next);
}

}  // namespace backup::kube
