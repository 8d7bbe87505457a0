// SPDX-License-Identifier: Apache-2.0
// HTTP exchanges and raw connections to one kind of server. Knows no Kubernetes; http_curl is the
// implementation, tests/support/fake_transport the other one.
#pragma once

#include "core/base/bytes.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace backup::net {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// The first header of that name (any case), or nullptr.
const std::string* find_header(const Headers& headers, std::string_view name);

struct Request {
    std::string method = "GET";
    std::string url;
    Headers headers;
    std::string body;
    std::chrono::milliseconds timeout{0};             // of the whole exchange; 0: none
    std::chrono::milliseconds idle_timeout{90'000};   // no byte moves for so long; 0: none
    std::uint64_t response_limit_bytes = 64U << 20U;  // of Response::body, decompressed
    std::stop_token stop;
};

struct Response {
    int status = 0;
    Headers headers;  // names in lower case
    std::string body;

    bool is_success() const { return status >= 200 && status < 300; }
};

/// Gets the body of a 2xx answer as it comes (any other body is in Response::body). False: enough,
/// the rest is not read. What it throws ends the exchange and comes out of send().
using OnBody = std::function<bool(ByteView)>;

/// Bytes both ways over TCP or TLS. One thread at a time; never blocks.
class Connection {
  public:
    virtual ~Connection() = default;
    /// Bytes taken; 0 when the socket is full: then call again with the *same* bytes, from the same
    /// place in memory (a TLS library has a part of them on the way already).
    virtual std::size_t try_send(ByteView bytes) = 0;
    /// Bytes read; empty when there are none yet, 0 when the peer has closed. Must be called until
    /// it is empty before poll() on the socket means anything (TLS keeps decrypted bytes).
    virtual std::optional<std::size_t> try_receive(std::span<std::byte> buffer) = 0;
    /// For poll(2).
    virtual int socket() const = 0;
};

struct ConnectRequest {
    std::string url;  // scheme, host and port count
    std::stop_token stop;
};

/// Safe to call from many threads. Errors: ClusterUnreachable, TimedOut, Interrupted (stop), and
/// KubeconfigInvalid for a client certificate that cannot be used; retryable where a second try may
/// help. An HTTP status is never an error here.
class HttpTransport {
  public:
    virtual ~HttpTransport() = default;

    Response send(const Request& request) { return send(request, {}); }

    virtual Response send(const Request& request, const OnBody& on_body) = 0;

    /// HTTP/1.1 only (what the other side is told by ALPN): for protocol upgrades.
    virtual std::unique_ptr<Connection> connect(const ConnectRequest& request) = 0;
};

struct TlsOptions {
    std::string ca_pem;  // empty: the system's certificate authorities
    std::string certificate_pem;
    std::string key_pem;
    std::string server_name;  // name to ask for and verify instead of the URL's host
    bool insecure = false;    // do not verify the server
    bool operator==(const TlsOptions&) const = default;
};

struct TransportOptions {
    TlsOptions tls;
    std::string
        proxy;  // http://, https:// or socks5:// URL; empty: the proxy variables of the environment
    bool compression = true;
    std::string user_agent;
    std::chrono::milliseconds connect_timeout{30'000};
};

using MakeTransport = std::function<std::unique_ptr<HttpTransport>(const TransportOptions&)>;

}  // namespace backup::net
