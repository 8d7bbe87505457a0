// SPDX-License-Identifier: Apache-2.0
#include "core/net/url.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>

namespace backup::net {

namespace {

std::string_view default_port(std::string_view scheme) {
    return scheme == "https" ? "443" : "80";
}

bool is_unreserved(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || character == '-' || character == '.' ||
           character == '_' || character == '~';
}

[[noreturn]] void fail(std::string_view text) {
    throw Error(ErrorCode::InvalidArgument,
                concat("'", printable(text), "' is not a URL of the form https://host:port/path"));
}

bool is_port(std::string_view port) {
    return !port.empty() && port.size() <= 5 &&
           std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void split_authority(Url& url, std::string_view authority, std::string_view whole) {
    const auto bracket = authority.starts_with('[') ? authority.find(']') : 0;
    if (bracket == std::string_view::npos) {
        fail(whole);
    }
    const auto colon = authority.find(':', bracket);
    url.host = authority.substr(0, colon);
    if (bracket != 0) {
        url.host = url.host.substr(1, bracket - 1);
    }
    if (colon != std::string_view::npos && colon + 1 != authority.size()) {
        url.port = authority.substr(colon + 1);
    }
    if (url.host.empty() || !is_port(url.port)) {
        fail(whole);
    }
}

}  // namespace

std::string Url::authority() const {
    const auto name = host.find(':') == std::string::npos ? host : "[" + host + "]";
    return port == default_port(scheme) ? name : name + ":" + port;
}

bool Url::is_loopback() const {
    return host == "localhost" || host == "::1" || host.starts_with("127.");
}

Url parse_url(std::string_view text) {
    Url url;
    const auto scheme_end = text.find("://");
    const bool has_control = std::any_of(text.begin(), text.end(), [](char character) {
        return static_cast<unsigned char>(character) <= ' ' || character == '\x7f';
    });
    if (scheme_end == std::string_view::npos || has_control) {
        fail(text);
    }
    url.scheme = to_lower(text.substr(0, scheme_end));
    if (url.scheme != "http" && url.scheme != "https") {
        fail(text);
    }
    url.port = default_port(url.scheme);
    const auto rest = text.substr(scheme_end + 3);
    const auto path = std::min(rest.find_first_of("/?#"), rest.size());
    url.path = rest.substr(path);
    const auto authority = rest.substr(0, path);
    if (authority.find('@') != std::string_view::npos) {
        throw Error(ErrorCode::InvalidArgument, "a server URL must not hold a user name");
    }
    split_authority(url, authority, text);
    return url;
}

std::string format_url(const Url& url) {
    return url.scheme + "://" + url.authority() + url.path;
}

std::string percent_encode(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (const char character : text) {
        if (is_unreserved(character)) {
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

std::string format_query(const Query& query) {
    std::string out;
    for (const auto& [name, value] : query) {
        out += out.empty() ? '?' : '&';
        out += percent_encode(name) + "=" + percent_encode(value);
    }
    return out;
}

}  // namespace backup::net
