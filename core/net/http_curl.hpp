// SPDX-License-Identifier: Apache-2.0
// The real HttpTransport. libcurl 7.88 or newer.
#pragma once

#include "core/net/http.hpp"

namespace backup::net {

/// Each exchange that runs at the same time has a connection of its own, kept for the next one;
/// HTTP/2 where the server offers it over TLS.
std::unique_ptr<HttpTransport> make_curl_transport(const TransportOptions& options);

}  // namespace backup::net
