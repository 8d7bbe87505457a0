// SPDX-License-Identifier: Apache-2.0
// One UTF-8 sequence (RFC 3629): no surrogates, no overlong forms, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace backup {

struct Utf8Character {
    char32_t character;
    std::size_t length;  // bytes
};

/// The character at the front of `text`; empty when it is not well-formed or `text` is empty.
std::optional<Utf8Character> decode_utf8(std::string_view text);

/// `text` with U+FFFD for each byte that is not part of well-formed UTF-8.
std::string replace_invalid_utf8(std::string_view text);

}  // namespace backup
