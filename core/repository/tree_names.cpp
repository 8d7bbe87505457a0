// SPDX-License-Identifier: Apache-2.0
#include "core/repository/tree_names.hpp"

#include "core/base/bytes.hpp"
#include "core/content/hash.hpp"

namespace backup::repository {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEF";
// ".yaml" and ".json" still fit behind it: file names have at most 255 bytes.
constexpr std::size_t kLongest = 250;
constexpr std::size_t kKept = 200;
constexpr std::string_view kCutMark = "%~";

bool must_escape(char character) {
    const auto byte = static_cast<unsigned char>(character);
    return byte < 0x20 || byte == 0x7f || character == '/' || character == '%';
}

void append_escaped(std::string& out, char character) {
    const auto byte = static_cast<unsigned char>(character);
    out += '%';
    out += kHexDigits[byte >> 4U];
    out += kHexDigits[byte & 15U];
}

std::string shorten(std::string escaped, std::string_view name) {
    const auto digest = to_hex(ByteView(content::sha256(as_bytes(name))).first(16));
    auto kept = kKept;
    // Not in the middle of %XX.
    for (const std::size_t back : {1U, 2U}) {
        if (escaped[kKept - back] == '%') {
            kept = kKept - back;
        }
    }
    escaped.resize(kept);
    return escaped.append(kCutMark).append(digest);
}

}  // namespace

std::string escape_name(std::string_view name) {
    if (name.empty()) {
        return "%";
    }
    const auto is_dots = name == "." || name == "..";
    std::string out;
    for (const char character : name) {
        if (is_dots || must_escape(character)) {
            append_escaped(out, character);
        } else {
            out += character;
        }
    }
    return out.size() <= kLongest ? out : shorten(std::move(out), name);
}

std::optional<std::string> unescape_name(std::string_view escaped) {
    if (escaped == "%") {
        return "";
    }
    std::string out;
    for (std::size_t i = 0; i < escaped.size(); ++i) {
        if (escaped[i] != '%') {
            out += escaped[i];
            continue;
        }
        if (i + 2 >= escaped.size()) {
            return std::nullopt;
        }
        const auto high = kHexDigits.find(escaped[i + 1]);
        const auto low = kHexDigits.find(escaped[i + 2]);
        if (high == std::string_view::npos || low == std::string_view::npos) {
            return std::nullopt;
        }
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return escaped.empty() ? std::nullopt : std::optional(out);
}

}  // namespace backup::repository
