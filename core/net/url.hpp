// SPDX-License-Identifier: Apache-2.0
// The parts of an http(s) URL, and percent-encoding (RFC 3986).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace backup::net {

struct Url {
    std::string scheme;  // lower case
    std::string host;    // an IPv6 address without its brackets
    std::string port;    // never empty: the default of the scheme
    std::string path;    // with the query; may be empty

    /// "host:port" with the default port left out, IPv6 in brackets: what a Host header holds.
    std::string authority() const;
    bool is_loopback() const;
    bool operator==(const Url&) const = default;
};

/// Throws InvalidArgument when it is not an absolute http or https URL.
Url parse_url(std::string_view text);
std::string format_url(const Url& url);

/// Everything but unreserved characters escaped: for one path segment or one query value.
std::string percent_encode(std::string_view text);

using Query = std::vector<std::pair<std::string, std::string>>;

/// "?a=1&b=2", or empty.
std::string format_query(const Query& query);

}  // namespace backup::net
