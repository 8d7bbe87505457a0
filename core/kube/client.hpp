// SPDX-License-Identifier: Apache-2.0
// Requests to one API server as one user: paths, credentials, pacing, retries, errors. Lists,
// watches, discovery and exec are functions on top (list.hpp, watch.hpp, discovery.hpp,
// exec_stream.hpp).
#pragma once

#include "core/base/log.hpp"
#include "core/base/retry.hpp"
#include "core/kube/api_error.hpp"
#include "core/kube/credentials.hpp"
#include "core/kube/lanes.hpp"
#include "core/kube/pacer.hpp"
#include "core/model/api_resource.hpp"
#include "core/net/http_curl.hpp"
#include "core/net/url.hpp"
#include "core/net/websocket.hpp"

#include <atomic>

namespace backup::kube {

/// "/apis/apps/v1/namespaces/shop/deployments/web/status"; empty parts are left out.
std::string resource_path(const model::ApiResource& resource,
                          std::string_view ns,
                          std::string_view name = {},
                          std::string_view subresource = {});

/// One request below the level of objects.
struct ApiRequest {
    std::string method = "GET";
    std::string path;
    net::Query query;
    std::string body;
    std::string content_type = "application/json";
    std::string accept = "application/json";
    Asked asked;
    std::stop_token stop;
    std::chrono::milliseconds timeout{0};            // 0: the configuration's
    std::chrono::milliseconds idle_timeout{90'000};  // 0: none
    std::uint64_t response_limit_bytes = 64U << 20U;
};

struct CallOptions {
    std::string subresource;
    std::stop_token stop;
};

struct WriteOptions {
    std::string subresource;
    std::string field_manager = "kubectl-backup";
    std::string field_validation;  // Ignore, Warn, Strict; empty: the server's default
    bool dry_run = false;
    bool force = false;  // server-side apply takes over conflicting fields
    std::stop_token stop;
};

enum class PatchType { Json, Merge, Strategic, Apply };

struct DeleteOptions {
    std::string propagation;  // Orphan, Background, Foreground; empty: the server's default
    std::optional<std::int64_t> grace_period_seconds;
    std::string uid;  // delete only this very object
    bool dry_run = false;
    std::stop_token stop;
};

struct ObjectRef {
    const model::ApiResource& resource;
    std::string_view ns;  // ignored for cluster-scoped resources
    std::string_view name;
};

struct ServerVersion {
    int major = 0;
    int minor = 0;
    std::string text;  // "v1.36.0"
};

struct ClientOptions {
    net::MakeTransport make_transport = net::make_curl_transport;
    std::string user_agent = "kubectl-backup";
    CredentialsOptions credentials;
    const Log* log = &Log::silent();
    Clock* clock = nullptr;  // the system's
    /// Some twenty seconds in all: an API server that is restarted is back by then.
    RetryPolicy reconnect{9, std::chrono::milliseconds(200), std::chrono::milliseconds(5'000)};
    int most_throttled_retries = 10;
    std::function<bool(std::chrono::nanoseconds, const std::stop_token&)> sleep = sleep_for;
};

/// Safe to call from many threads. Every call may throw what HttpTransport and api_error say, and
/// Interrupted when its stop was asked.
class Client {
  public:
    explicit Client(const ClusterConfig& config, ClientOptions options = {});

    const ClusterConfig& config() const { return config_; }

    const Log& log() const { return *options_.log; }

    bool sleep(std::chrono::nanoseconds duration, const std::stop_token& stop) const {
        return options_.sleep(duration, stop);
    }

    /// Tried again on 429 (whatever the method: the request was not carried out) and 5xx with
    /// Retry-After, once after a renewed credential on 401, and for GET and DELETE when the
    /// connection broke. The answer may have any status.
    net::Response exchange(const ApiRequest& request, const net::OnBody& on_body = {});
    /// The same; throws api_error unless the answer is 2xx.
    net::Response call(const ApiRequest& request);

    Json get(const ObjectRef& object, const CallOptions& options = {});
    std::optional<Json> find(const ObjectRef& object, const CallOptions& options = {});
    /// `name` of the reference is empty, except for a subresource such as pods/eviction.
    Json create(const ObjectRef& object, const Json& body, const WriteOptions& options = {});
    Json replace(const ObjectRef& object, const Json& body, const WriteOptions& options = {});
    Json patch(const ObjectRef& object,
               PatchType type,
               const Json& body,
               const WriteOptions& options = {});
    /// False when there was none (or, with a uid, another one), or the answer to the first attempt
    /// was lost.
    bool remove(const ObjectRef& object, const DeleteOptions& options = {});

    /// A WebSocket of a subresource; a refusal is thrown as api_error. One with 429, or 5xx with
    /// Retry-After, means that nothing was begun: tried again like any request.
    std::unique_ptr<net::WebSocket> open_websocket(const ApiRequest& request,
                                                   std::vector<std::string> subprotocols);

    ServerVersion server_version(std::stop_token stop = {});

  private:
    struct Door {
        std::shared_ptr<net::HttpTransport> transport;
        std::string certificate_pem;
        std::string key_pem;
    };

    std::shared_ptr<net::HttpTransport> transport_for(const Credential& credential);
    net::Headers headers_for(const ApiRequest& request, const Credential& credential) const;
    net::Response attempt(const ApiRequest& request,
                          const Credential& credential,
                          const net::OnBody& on_body);
    net::Response attempt_reconnecting(const ApiRequest& request,
                                       const Credential& credential,
                                       const net::OnBody& on_body);
    void wait_turn(const std::stop_token& stop);
    void note_busy(const net::Response& response,
                   const Status& status,
                   std::chrono::steady_clock::time_point sent);
    Json write(ApiRequest request, const Json& body, const WriteOptions& options);

    ClusterConfig config_;
    ClientOptions options_;
    std::unique_ptr<Clock> own_clock_;
    Clock& clock_;
    Credentials credentials_;
    Pacer pacer_;
    Lanes lanes_;
    Synchronized<Door> door_;
    std::atomic<bool> was_reached_ = false;
};

}  // namespace backup::kube
