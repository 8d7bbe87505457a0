// SPDX-License-Identifier: Apache-2.0
#include "core/backend/open_backend.hpp"

#include "core/backend/directory_backend.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <string>

namespace backup::backend {

namespace {

constexpr std::string_view kFileScheme = "file";

/// The scheme of "scheme://...", lower case; empty for a path.
std::string scheme_of(std::string_view url) {
    const auto end = url.find("://");
    if (end == std::string_view::npos || end == 0) {
        return {};
    }
    const auto is_scheme_character = [](char character) {
        return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9') ||
               character == '+' || character == '-' || character == '.';
    };
    auto scheme = to_lower(url.substr(0, end));
    return std::all_of(scheme.begin(), scheme.end(), is_scheme_character) ? scheme : std::string();
}

std::string decode_percent(std::string_view text) {
    std::string decoded;
    while (!text.empty()) {
        if (text.front() == '%' && text.size() >= 3) {
            decoded += as_text(from_hex(text.substr(1, 2)));
            text.remove_prefix(3);
        } else {
            decoded += text.front();
            text.remove_prefix(1);
        }
    }
    return decoded;
}

std::string path_of_file_url(std::string_view url) {
    auto rest = url.substr(kFileScheme.size() + 3);
    if (constexpr std::string_view host = "localhost/"; rest.starts_with(host)) {
        rest.remove_prefix(host.size() - 1);
    }
    auto path = decode_percent(rest);
    if (!path.starts_with('/')) {
        throw Error(ErrorCode::InvalidArgument,
                    concat("'", printable(url), "' does not name an absolute path"))
            .hint("write file:///absolute/path, or the path alone");
    }
    return path;
}

}  // namespace

std::unique_ptr<Backend> open_backend(std::string_view url) {
    if (url.find('\0') != std::string_view::npos) {
        throw Error(ErrorCode::InvalidArgument, "the repository's place holds a NUL character");
    }
    const auto scheme = scheme_of(url);
    if (scheme.empty()) {
        return std::make_unique<DirectoryBackend>(std::string(url));
    }
    if (scheme == kFileScheme) {
        return std::make_unique<DirectoryBackend>(path_of_file_url(url));
    }
    if (scheme == "s3" || scheme == "gs" || scheme == "azure" || scheme == "b2") {
        throw Error(ErrorCode::Unsupported,
                    concat("object stores (", scheme, "://) are not in this version"))
            .hint("give a directory: a mounted disk, NFS share or bucket mount");
    }
    throw Error(ErrorCode::InvalidArgument,
                concat("'", printable(scheme), "://' is no place for a repository"))
        .hint("give a directory");
}

}  // namespace backup::backend
