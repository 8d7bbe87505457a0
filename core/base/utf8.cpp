// SPDX-License-Identifier: Apache-2.0
#include "core/base/utf8.hpp"

namespace backup {

namespace {

struct Lead {
    std::size_t length;
    char32_t bits;
    char32_t smallest;  // what a shorter sequence could have said is overlong
};

std::optional<Lead> read_lead(unsigned char byte) {
    if (byte >= 0xc2 && byte <= 0xdf) {
        return Lead{2, byte & 0x1fU, 0x80};
    }
    if ((byte & 0xf0U) == 0xe0) {
        return Lead{3, byte & 0x0fU, 0x800};
    }
    if (byte >= 0xf0 && byte <= 0xf4) {
        return Lead{4, byte & 0x07U, 0x10000};
    }
    return std::nullopt;
}

}  // namespace

std::optional<Utf8Character> decode_utf8(std::string_view text) {
    if (text.empty()) {
        return std::nullopt;
    }
    const auto first = static_cast<unsigned char>(text.front());
    if (first < 0x80) {
        return Utf8Character{first, 1};
    }
    const auto lead = read_lead(first);
    if (!lead || text.size() < lead->length) {
        return std::nullopt;
    }
    char32_t character = lead->bits;
    for (const char next : text.substr(1, lead->length - 1)) {
        const auto byte = static_cast<unsigned char>(next);
        if ((byte & 0xc0U) != 0x80) {
            return std::nullopt;
        }
        character = (character << 6U) | (byte & 0x3fU);
    }
    const bool surrogate = character >= 0xd800 && character <= 0xdfff;
    if (character < lead->smallest || character > 0x10ffff || surrogate) {
        return std::nullopt;
    }
    return Utf8Character{character, lead->length};
}

std::string replace_invalid_utf8(std::string_view text) {
    std::string valid;
    valid.reserve(text.size());
    while (!text.empty()) {
        const auto next = decode_utf8(text);
        const auto length = next ? next->length : 1;
        valid += next ? text.substr(0, length) : std::string_view("\xef\xbf\xbd");
        text.remove_prefix(length);
    }
    return valid;
}

}  // namespace backup
