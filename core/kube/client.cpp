// SPDX-License-Identifier: Apache-2.0
#include "core/kube/client.hpp"

#include "core/base/stop_on_signal.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <charconv>

namespace backup::kube {

namespace {

constexpr int kLongestRetryAfter = 120;

std::string_view content_type_of(PatchType type) {
    switch (type) {
        case PatchType::Json:
            return "application/json-patch+json";
        case PatchType::Merge:
            return "application/merge-patch+json";
        case PatchType::Strategic:
            return "application/strategic-merge-patch+json";
        case PatchType::Apply:
            return "application/apply-patch+yaml";  // JSON is YAML
    }
    return "application/json";
}

ApiRequest object_request(const ObjectRef& object,
                          std::string_view verb,
                          std::string_view subresource) {
    const auto& resource = object.resource;
    const auto ns = resource.namespaced ? object.ns : std::string_view();
    ApiRequest request;
    request.path = resource_path(resource, ns, object.name, subresource);
    request.asked = {std::string(verb),
                     resource.group,
                     resource.plural,
                     std::string(ns),
                     std::string(object.name)};
    if (!subresource.empty()) {
        request.asked.resource += concat("/", subresource);
    }
    return request;
}

int leading_number(std::string_view text) {
    int value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

bool is_worth_waiting(const net::Response& response, const Status& status) {
    return response.status == 429 ||
           (response.status >= 500 && status.retry_after_seconds.has_value());
}

}  // namespace

std::string resource_path(const model::ApiResource& resource,
                          std::string_view ns,
                          std::string_view name,
                          std::string_view subresource) {
    auto path = resource.group.empty() ? concat("/api/", resource.version)
                                       : concat("/apis/", resource.group, "/", resource.version);
    if (!ns.empty()) {
        path += concat("/namespaces/", net::percent_encode(ns));
    }
    path += concat("/", resource.plural);
    if (!name.empty()) {
        path += concat("/", net::percent_encode(name));
    }
    return subresource.empty() ? path : concat(path, "/", subresource);
}

Client::Client(const ClusterConfig& config, ClientOptions options)
    : config_(config),
      options_(std::move(options)),
      own_clock_(options_.clock == nullptr ? std::make_unique<SystemClock>() : nullptr),
      clock_(options_.clock == nullptr ? *own_clock_ : *options_.clock),
      credentials_(config_, clock_, options_.credentials) {}

std::shared_ptr<net::HttpTransport> Client::transport_for(const Credential& credential) {
    auto door = door_.lock();
    if (!door->transport || door->certificate_pem != credential.certificate_pem ||
        door->key_pem != credential.key_pem) {
        net::TransportOptions options;
        options.tls = config_.tls;
        options.tls.certificate_pem = credential.certificate_pem;
        options.tls.key_pem = credential.key_pem;
        options.proxy = config_.proxy_url;
        options.compression = !config_.disable_compression;
        options.user_agent = options_.user_agent;
        *door = {options_.make_transport(options), credential.certificate_pem, credential.key_pem};
    }
    return door->transport;
}

net::Headers Client::headers_for(const ApiRequest& request, const Credential& credential) const {
    net::Headers headers{{"Accept", request.accept}};
    if (!request.body.empty()) {
        headers.emplace_back("Content-Type", request.content_type);
    }
    if (!credential.authorization.empty()) {
        headers.emplace_back("Authorization", credential.authorization);
    }
    const auto& impersonation = credentials_.impersonation_headers();
    headers.insert(headers.end(), impersonation.begin(), impersonation.end());
    return headers;
}

void Client::wait_turn(const std::stop_token& stop) {
    const auto pause = pacer_.next(clock_.steady_now());
    if (pause.count() > 0 && !options_.sleep(pause, stop)) {
        throw_if_stopped(stop);
    }
}

net::Response Client::attempt(const ApiRequest& request,
                              const Credential& credential,
                              const net::OnBody& on_body) {
    net::Request http;
    http.method = request.method;
    http.url = config_.server + request.path + net::format_query(request.query);
    http.headers = headers_for(request, credential);
    http.body = request.body;
    http.timeout = request.timeout.count() > 0 ? request.timeout : config_.request_timeout;
    http.idle_timeout = request.idle_timeout;
    http.response_limit_bytes = request.response_limit_bytes;
    http.stop = request.stop;
    wait_turn(request.stop);
    auto lane = lanes_.enter(request.stop);
    if (on_body) {
        lane.leave();  // a stream may last for hours
    }
    const auto begin = clock_.steady_now();
    auto response = transport_for(credential)->send(http, on_body);
    lane.leave();
    was_reached_ = true;
    if (log().is_enabled("kube", LogLevel::Debug)) {
        const auto took =
            std::chrono::duration_cast<std::chrono::milliseconds>(clock_.steady_now() - begin);
        log().debug(
            "kube",
            concat(http.method, " ", http.url, " ", response.status, " in ", took.count(), " ms"));
    }
    if (const auto* warning = net::find_header(response.headers, "warning")) {
        log().info("kube", concat("the API server warns: ", printable(*warning)));
    }
    return response;
}

net::Response Client::attempt_reconnecting(const ApiRequest& request,
                                           const Credential& credential,
                                           const net::OnBody& on_body) {
    bool has_begun = false;
    net::OnBody watched;
    if (on_body) {
        watched = [&](ByteView bytes) {
            has_begun = true;
            return on_body(bytes);
        };
    }
    // To be deleted twice is to be deleted.
    const bool is_repeatable = request.method == "GET" || request.method == "DELETE";
    const auto may_retry = [&](const Error& error) {
        return is_repeatable && !has_begun && was_reached_ && error.is_retryable() &&
               error.code() == ErrorCode::ClusterUnreachable;
    };
    return retry_if(options_.reconnect, request.stop, may_retry, [&] {
        return attempt(request, credential, watched);
    });
}

net::Response Client::exchange(const ApiRequest& request, const net::OnBody& on_body) {
    bool was_renewed = false;
    int throttled = 0;
    while (true) {
        throw_if_stopped(request.stop);
        const auto credential = credentials_.current();
        const auto sent = clock_.steady_now();
        auto response = attempt_reconnecting(request, credential, on_body);
        if (response.status == 401 && !was_renewed && credentials_.renew(credential.generation)) {
            was_renewed = true;
            continue;
        }
        if (response.is_success()) {
            pacer_.speed_up();
            lanes_.widen();
            return response;
        }
        const auto status = read_status(response);
        if (!is_worth_waiting(response, status) || ++throttled > options_.most_throttled_retries) {
            return response;
        }
        note_busy(response, status, sent);
    }
}

void Client::note_busy(const net::Response& response,
                       const Status& status,
                       std::chrono::steady_clock::time_point sent) {
    const auto seconds = std::clamp(status.retry_after_seconds.value_or(1), 1, kLongestRetryAfter);
    const bool is_news = pacer_.slow_down(sent, clock_.steady_now(), std::chrono::seconds(seconds));
    if (is_news && response.status == 429) {
        lanes_.narrow();
    }
    log().info("kube",
               concat("the API server is busy (HTTP ",
                      response.status,
                      "), waiting for ",
                      seconds,
                      " s; ",
                      lanes_.width(),
                      " requests at once"));
}

net::Response Client::call(const ApiRequest& request) {
    auto response = exchange(request);
    if (!response.is_success()) {
        throw api_error(response, request.asked);
    }
    return response;
}

Json Client::get(const ObjectRef& object, const CallOptions& options) {
    auto request = object_request(object, "get", options.subresource);
    request.stop = options.stop;
    return parse_json(call(request).body);
}

std::optional<Json> Client::find(const ObjectRef& object, const CallOptions& options) {
    auto request = object_request(object, "get", options.subresource);
    request.stop = options.stop;
    const auto response = exchange(request);
    if (response.status == 404) {
        return std::nullopt;
    }
    if (!response.is_success()) {
        throw api_error(response, request.asked);
    }
    return parse_json(response.body);
}

Json Client::write(ApiRequest request, const Json& body, const WriteOptions& options) {
    request.body = format_json(body);
    request.stop = options.stop;
    if (!options.field_manager.empty()) {
        request.query.emplace_back("fieldManager", options.field_manager);
    }
    if (!options.field_validation.empty()) {
        request.query.emplace_back("fieldValidation", options.field_validation);
    }
    if (options.dry_run) {
        request.query.emplace_back("dryRun", "All");
    }
    if (options.force) {
        request.query.emplace_back("force", "true");
    }
    return parse_json(call(request).body);
}

Json Client::create(const ObjectRef& object, const Json& body, const WriteOptions& options) {
    auto request = object_request(object, "create", options.subresource);
    request.method = "POST";
    if (request.asked.name.empty()) {
        request.asked.name = body.text_at({"metadata", "name"});
    }
    return write(std::move(request), body, options);
}

Json Client::replace(const ObjectRef& object, const Json& body, const WriteOptions& options) {
    auto request = object_request(object, "update", options.subresource);
    request.method = "PUT";
    return write(std::move(request), body, options);
}

Json Client::patch(const ObjectRef& object,
                   PatchType type,
                   const Json& body,
                   const WriteOptions& options) {
    auto request = object_request(object, "patch", options.subresource);
    request.method = "PATCH";
    request.content_type = content_type_of(type);
    return write(std::move(request), body, options);
}

bool Client::remove(const ObjectRef& object, const DeleteOptions& options) {
    auto request = object_request(object, "delete", {});
    request.method = "DELETE";
    request.stop = options.stop;
    auto body = Json::object({{"kind", "DeleteOptions"}, {"apiVersion", "v1"}});
    if (!options.propagation.empty()) {
        body["propagationPolicy"] = options.propagation;
    }
    if (options.grace_period_seconds) {
        body["gracePeriodSeconds"] = *options.grace_period_seconds;
    }
    if (!options.uid.empty()) {
        body["preconditions"]["uid"] = options.uid;
    }
    if (options.dry_run) {
        body["dryRun"] = Json::array({"All"});
    }
    request.body = format_json(body);
    const auto response = exchange(request);
    const bool is_another = response.status == 409 && !options.uid.empty();
    if (response.status == 404 || is_another) {
        return false;
    }
    if (!response.is_success()) {
        throw api_error(response, request.asked);
    }
    return true;
}

std::unique_ptr<net::WebSocket> Client::open_websocket(const ApiRequest& request,
                                                       std::vector<std::string> subprotocols) {
    bool was_renewed = false;
    int throttled = 0;
    while (true) {
        throw_if_stopped(request.stop);
        const auto credential = credentials_.current();
        net::WebSocketRequest upgrade;
        upgrade.url = config_.server + request.path + net::format_query(request.query);
        upgrade.headers = headers_for(request, credential);
        upgrade.headers.emplace_back("User-Agent", options_.user_agent);
        upgrade.subprotocols = subprotocols;
        upgrade.stop = request.stop;
        wait_turn(request.stop);
        const auto sent = clock_.steady_now();
        auto answer = net::open_websocket(*transport_for(credential), upgrade);
        if (answer.socket) {
            return std::move(answer.socket);
        }
        const auto& refusal = answer.refusal;
        if (refusal.status == 401 && !was_renewed && credentials_.renew(credential.generation)) {
            was_renewed = true;
            continue;
        }
        const auto status = read_status(refusal);
        if (!is_worth_waiting(refusal, status) || ++throttled > options_.most_throttled_retries) {
            throw api_error(refusal, request.asked);
        }
        note_busy(refusal, status, sent);
    }
}

ServerVersion Client::server_version(std::stop_token stop) {
    ApiRequest request;
    request.path = "/version";
    request.asked = {"get", "", "", "", "the server version"};
    request.stop = std::move(stop);
    const auto json = parse_json(call(request).body);
    return {leading_number(json.text_at({"major"})),
            leading_number(json.text_at({"minor"})),
            json.text_at({"gitVersion"})};
}

}  // namespace backup::kube
