// SPDX-License-Identifier: Apache-2.0
#include "core/base/text.hpp"

#include "core/base/utf8.hpp"

#include <array>
#include <cstdint>

namespace backup {

namespace {

constexpr std::string_view kWhiteSpace = " \t\r\n\v\f";

void append_hex(std::string& out, std::string_view prefix, std::uint32_t value, int digits) {
    constexpr std::string_view hex = "0123456789abcdef";
    out += prefix;
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
        out += hex[(value >> static_cast<unsigned>(shift)) & 0xfU];
    }
}

/// Characters that act on a terminal, or turn around the text behind them.
bool is_hidden(char32_t character) {
    return character < 0x20 || (character >= 0x7f && character < 0xa0) || character == 0xfeff ||
           (character >= 0x200b && character <= 0x200f) ||
           (character >= 0x2028 && character <= 0x202e) ||
           (character >= 0x2060 && character <= 0x2069);
}

void append_hidden(std::string& out, char32_t character) {
    switch (character) {
        case '\n':
            out += "\\n";
            break;
        case '\r':
            out += "\\r";
            break;
        case '\t':
            out += "\\t";
            break;
        default:
            if (character < 0x80) {
                append_hex(out, "\\x", character, 2);
            } else {
                append_hex(out, "\\u", character, 4);
            }
    }
}

/// The end of the class that starts behind `[`, or npos when nothing closes it.
std::size_t class_end(std::string_view pattern, std::size_t start) {
    const bool negated = start < pattern.size() && (pattern[start] == '!' || pattern[start] == '^');
    // A ']' in the first place is a member.
    return pattern.find(']', start + (negated ? 2 : 1));
}

bool is_in_class(std::string_view members, char character) {
    const bool negated = members.starts_with('!') || members.starts_with('^');
    if (negated) {
        members.remove_prefix(1);
    }
    bool found = false;
    for (std::size_t i = 0; i < members.size() && !found; ++i) {
        if (i + 2 < members.size() && members[i + 1] == '-') {
            found = members[i] <= character && character <= members[i + 2];
            i += 2;
        } else {
            found = members[i] == character;
        }
    }
    return found != negated;
}

/// How much of the pattern at `at` stands for `character`; 0 when it does not match.
std::size_t match_one(std::string_view pattern, std::size_t at, char character) {
    if (at >= pattern.size()) {
        return 0;
    }
    if (pattern[at] == '[') {
        const auto end = class_end(pattern, at + 1);
        if (end != std::string_view::npos) {
            const auto members = pattern.substr(at + 1, end - at - 1);
            return is_in_class(members, character) ? end - at + 1 : 0;
        }
    }
    if (pattern[at] == '\\' && at + 1 < pattern.size()) {
        return pattern[at + 1] == character ? 2 : 0;
    }
    return pattern[at] == '?' || pattern[at] == character ? 1 : 0;
}

}  // namespace

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    for (;;) {
        const auto at = text.find(separator);
        parts.emplace_back(text.substr(0, at));
        if (at == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(at + 1);
    }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
    std::string joined;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i != 0) {
            joined += separator;
        }
        joined += parts[i];
    }
    return joined;
}

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(kWhiteSpace);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kWhiteSpace) - first + 1);
}

std::string to_lower(std::string_view text) {
    std::string lower(text);
    for (char& character : lower) {
        if (character >= 'A' && character <= 'Z') {
            character = static_cast<char>(character - 'A' + 'a');
        }
    }
    return lower;
}

std::string indent(std::string_view text, std::string_view prefix) {
    std::string indented;
    bool at_line_start = true;
    for (const char character : text) {
        if (at_line_start && character != '\n') {
            indented += prefix;
        }
        indented += character;
        at_line_start = character == '\n';
    }
    return indented;
}

std::string printable(std::string_view text) {
    std::string shown;
    shown.reserve(text.size());
    while (!text.empty()) {
        const auto next = decode_utf8(text);
        if (!next) {
            append_hex(shown, "\\x", static_cast<unsigned char>(text.front()), 2);
            text.remove_prefix(1);
            continue;
        }
        if (is_hidden(next->character)) {
            append_hidden(shown, next->character);
        } else {
            shown += text.substr(0, next->length);
        }
        text.remove_prefix(next->length);
    }
    return shown;
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const auto next = decode_utf8(text);
        if (!next) {
            return false;
        }
        text.remove_prefix(next->length);
    }
    return true;
}

bool matches_glob(std::string_view pattern, std::string_view text) {
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;
    std::size_t star_text = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            star_text = t;
        } else if (const auto length = match_one(pattern, p, text[t]); length != 0) {
            p += length;
            ++t;
        } else if (star != std::string_view::npos) {
            // Only the last star has to be widened: linear tries, whatever the pattern.
            p = star + 1;
            t = ++star_text;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace backup
