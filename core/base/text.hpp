// SPDX-License-Identifier: Apache-2.0
// Small text operations. (No <format> in the oldest compiler we build with.)
#pragma once

#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace backup {

/// All arguments, streamed one behind the other.
template <typename... Parts>
std::string concat(const Parts&... parts) {
    std::ostringstream out;
    (out << ... << parts);
    return std::move(out).str();
}

/// Parts between separators, empty ones kept: split("a,,b", ',') has three parts.
std::vector<std::string> split(std::string_view text, char separator);

std::string join(const std::vector<std::string>& parts, std::string_view separator);

/// Without white space at both ends.
std::string_view trim(std::string_view text);

std::string to_lower(std::string_view text);

/// `text` with `prefix` in front of each non-empty line.
std::string indent(std::string_view text, std::string_view prefix);

/// Control characters and invalid UTF-8 made visible (\x1b, \n): foreign text on a terminal.
std::string printable(std::string_view text);

/// True when every byte sequence is well-formed UTF-8 (RFC 3629).
bool is_utf8(std::string_view text);

/// Shell pattern of kubectl users: `*` any run, `?` one character, `[abc]` a class.
bool matches_glob(std::string_view pattern, std::string_view text);

}  // namespace backup
