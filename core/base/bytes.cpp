// SPDX-License-Identifier: Apache-2.0
#include "core/base/bytes.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <array>

namespace backup {

namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

unsigned hex_digit(char digit) {
    if (digit >= '0' && digit <= '9') {
        return static_cast<unsigned>(digit - '0');
    }
    if (digit >= 'a' && digit <= 'f') {
        return static_cast<unsigned>(digit - 'a') + 10U;
    }
    if (digit >= 'A' && digit <= 'F') {
        return static_cast<unsigned>(digit - 'A') + 10U;
    }
    throw Error(ErrorCode::InvalidArgument, "not hexadecimal text");
}

bool is_space(char character) {
    return character == ' ' || character == '\n' || character == '\r' || character == '\t';
}

}  // namespace

std::string to_hex(ByteView bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const auto byte : bytes) {
        text += digits[std::to_integer<unsigned>(byte) >> 4U];
        text += digits[std::to_integer<unsigned>(byte) & 0xfU];
    }
    return text;
}

Bytes from_hex(std::string_view text) {
    if (text.size() % 2 != 0) {
        throw Error(ErrorCode::InvalidArgument, "hexadecimal text of odd length");
    }
    Bytes bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        bytes.push_back(
            static_cast<std::byte>((hex_digit(text[i]) << 4U) | hex_digit(text[i + 1])));
    }
    return bytes;
}

std::string to_base64(ByteView bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const auto count = std::min<std::size_t>(3, bytes.size() - i);
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k) {
            group = (group << 8U) | (k < count ? std::to_integer<std::uint32_t>(bytes[i + k]) : 0U);
        }
        for (std::size_t k = 0; k < 4; ++k) {
            text += k <= count ? kBase64[(group >> (18U - 6U * k)) & 0x3fU] : '=';
        }
    }
    return text;
}

Bytes from_base64(std::string_view text) {
    Bytes bytes;
    bytes.reserve(text.size() / 4 * 3);
    std::uint32_t group = 0;
    std::size_t digits = 0;
    std::size_t padding = 0;
    for (const char character : text) {
        if (is_space(character)) {
            continue;
        }
        if (character == '=') {
            ++padding;
            continue;
        }
        const auto digit = kBase64.find(character);
        if (digit == std::string_view::npos || padding != 0) {
            throw Error(ErrorCode::InvalidArgument, "not base64 text");
        }
        group = (group << 6U) | static_cast<std::uint32_t>(digit);
        if (++digits % 4 == 0) {
            bytes.push_back(static_cast<std::byte>((group >> 16U) & 0xffU));
            bytes.push_back(static_cast<std::byte>((group >> 8U) & 0xffU));
            bytes.push_back(static_cast<std::byte>(group & 0xffU));
            group = 0;
        }
    }
    const auto rest = digits % 4;
    if (rest == 1 || padding > 2 || (padding != 0 && rest + padding != 4)) {
        throw Error(ErrorCode::InvalidArgument, "base64 text of a wrong length");
    }
    if (rest >= 2) {
        group <<= 6U * (4U - rest);
        bytes.push_back(static_cast<std::byte>((group >> 16U) & 0xffU));
    }
    if (rest == 3) {
        bytes.push_back(static_cast<std::byte>((group >> 8U) & 0xffU));
    }
    return bytes;
}

void ByteWriter::sized(ByteView content) {
    number(static_cast<std::uint32_t>(content.size()));
    bytes(content);
}

ByteView ByteReader::bytes(std::size_t count) {
    if (count > bytes_.size()) {
        throw Error(ErrorCode::CorruptData, concat(what_, " ends early"));
    }
    const auto taken = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return taken;
}

ByteView ByteReader::sized() {
    return bytes(number<std::uint32_t>());
}

void ByteReader::expect_end() const {
    if (!bytes_.empty()) {
        throw Error(ErrorCode::CorruptData, concat(what_, " has bytes behind its end"));
    }
}

}  // namespace backup
