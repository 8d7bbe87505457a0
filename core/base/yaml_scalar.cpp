// SPDX-License-Identifier: Apache-2.0
#include "core/base/yaml_scalar.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/base/utf8.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace backup {

namespace {

constexpr std::string_view kDigits = "0123456789";

bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

template <std::size_t size>
bool is_one_of(std::string_view text, const std::array<std::string_view, size>& words) {
    return std::find(words.begin(), words.end(), text) != words.end();
}

/// Takes a run of digits off the front and says how long it was.
std::size_t take_digits(std::string_view& text) {
    const auto length = std::min(text.find_first_not_of(kDigits), text.size());
    text.remove_prefix(length);
    return length;
}

bool take(std::string_view& text, std::string_view any_of) {
    if (text.empty() || any_of.find(text.front()) == std::string_view::npos) {
        return false;
    }
    text.remove_prefix(1);
    return true;
}

/// `([eE][-+]?[0-9]+)?$`
bool is_exponent_or_empty(std::string_view text) {
    if (take(text, "eE")) {
        take(text, "+-");
        return take_digits(text) != 0 && text.empty();
    }
    return text.empty();
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
bool is_yaml_float(std::string_view text) {
    take(text, "+-");
    const bool whole = take_digits(text) != 0;
    const bool fraction = take(text, ".") && take_digits(text) != 0;
    return (whole || fraction) && is_exponent_or_empty(text);
}

/// The number grammar of RFC 8259.
bool is_json_number(std::string_view text) {
    take(text, "-");
    if (!take(text, "0") && take_digits(text) == 0) {
        return false;
    }
    if (take(text, ".") && take_digits(text) == 0) {
        return false;
    }
    return is_exponent_or_empty(text);
}

/// Integers of Go's strconv with base 0: 0x, 0o, 0b, and a bare leading zero for octal.
std::optional<Json> read_integer(std::string_view text) {
    const bool negative = text.starts_with('-');
    const bool has_sign = take(text, "+-");
    int base = 10;
    if (text.size() > 1 && text.front() == '0') {
        const auto prefix = to_lower(text.substr(0, 2));
        base = prefix == "0x" ? 16 : prefix == "0b" ? 2 : 8;
        text.remove_prefix(is_digit(prefix[1]) ? 1 : 2);
        if (base == 8 && !is_digit(prefix[1]) && prefix != "0o") {
            return std::nullopt;
        }
    }
    std::uint64_t magnitude = 0;
    const auto* const end = text.data() + text.size();
    const auto [parsed, error] = std::from_chars(text.data(), end, magnitude, base);
    if (error != std::errc() || parsed != end) {
        return std::nullopt;
    }
    constexpr auto smallest = std::uint64_t{1} << 63U;
    if (magnitude > (negative ? smallest : has_sign ? smallest - 1 : UINT64_MAX)) {
        return std::nullopt;
    }
    return negative && magnitude != 0 ? Json(Json::Number{concat('-', magnitude)})
                                      : Json(magnitude);
}

/// Empty when the number is beyond the range of a double: it stays a string then.
std::optional<Json> read_float(std::string_view text) {
    const bool verbatim = is_json_number(text);
    const auto original = text;
    if (text.starts_with('+')) {
        text.remove_prefix(1);
    }
    double value = 0;
    const auto error = std::from_chars(text.data(), text.data() + text.size(), value).ec;
    if (error == std::errc::result_out_of_range) {
        const auto exponent = text.find_first_of("eE");
        const bool underflow =
            text.find('-', std::min(exponent, text.size())) != text.npos ||
            (exponent == text.npos && text.find_first_of("123456789") > text.find('.'));
        if (!underflow) {
            return std::nullopt;
        }
        value = 0;
    } else if (error != std::errc()) {
        return std::nullopt;
    }
    return verbatim ? Json(Json::Number{std::string(original)}) : Json(value);
}

std::optional<Json> read_word(std::string_view text) {
    using Words = std::array<std::string_view, 11>;
    constexpr Words yes = {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"};
    constexpr Words no = {
        "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"};
    constexpr std::array<std::string_view, 5> null = {"", "~", "null", "Null", "NULL"};
    if (is_one_of(text, yes)) {
        return Json(true);
    }
    if (is_one_of(text, no)) {
        return Json(false);
    }
    return is_one_of(text, null) ? std::optional<Json>(Json()) : std::nullopt;
}

void refuse_infinity(std::string_view text) {
    constexpr std::array<std::string_view, 3> numbers = {".inf", ".Inf", ".INF"};
    constexpr std::array<std::string_view, 3> nans = {".nan", ".NaN", ".NAN"};
    auto magnitude = text;
    take(magnitude, "+-");
    if (is_one_of(magnitude, numbers) || is_one_of(text, nans)) {
        throw Error(ErrorCode::InvalidArgument, concat("JSON has no number for ", text));
    }
}

bool is_reserved_word(std::string_view text) {
    constexpr std::array<std::string_view, 17> words = {"y",
                                                        "n",
                                                        "yes",
                                                        "no",
                                                        "on",
                                                        "off",
                                                        "true",
                                                        "false",
                                                        "null",
                                                        ".inf",
                                                        "+.inf",
                                                        "-.inf",
                                                        "inf",
                                                        ".nan",
                                                        "nan",
                                                        "-inf",
                                                        "+inf"};
    return is_one_of(to_lower(text), words);
}

/// Digits in groups joined by dots, two at least: an address or a version, no number anywhere.
bool is_dotted(std::string_view text) {
    std::size_t dots = 0;
    while (take_digits(text) != 0) {
        if (text.empty()) {
            return dots >= 2;
        }
        ++dots;
        if (!take(text, ".")) {
            return false;
        }
    }
    return false;
}

/// Wide on purpose: integers and floats of all bases, separators, base 60, dates.
bool looks_like_number(std::string_view text) {
    take(text, "+-");
    if (text.find_first_of(kDigits) == std::string_view::npos) {
        return false;
    }
    const auto prefix = to_lower(text.substr(0, 2));
    if (prefix == "0x" || prefix == "0o" || prefix == "0b") {
        return true;
    }
    auto year = text;
    if (take_digits(year) == 4 && year.starts_with('-')) {
        return true;
    }
    return text.find_first_not_of("0123456789_.,:+-eE") == std::string_view::npos &&
           !is_dotted(text);
}

/// Characters that begin something else in block context, or might for a sloppy reader.
bool starts_plainly(std::string_view text) {
    constexpr std::string_view plain = "_/.+$(^;\\";
    const auto first = static_cast<unsigned char>(text.front());
    const bool letter = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
    if (letter || is_digit(text.front()) || first >= 0x80) {
        return true;
    }
    if (text.front() == '-') {
        return text.size() > 1 && text[1] != ' ' && !text.starts_with("---");
    }
    return plain.find(text.front()) != std::string_view::npos && !text.starts_with("...");
}

}  // namespace

Json resolve_plain_scalar(std::string_view text) {
    if (auto word = read_word(text)) {
        return *word;
    }
    refuse_infinity(text);
    const char first = text.front();
    if (first == '.') {
        const auto number = is_yaml_float(text) ? read_float(text) : std::nullopt;
        return number.value_or(Json(text));
    }
    if (!is_digit(first) && first != '+' && first != '-') {
        return text;
    }
    std::string digits(text);
    std::erase(digits, '_');
    if (is_json_number(digits) && read_integer(digits)) {
        return Json::Number{digits};
    }
    if (auto number = read_integer(digits)) {
        return *number;
    }
    const auto number = is_yaml_float(digits) ? read_float(digits) : std::nullopt;
    return number.value_or(Json(text));
}

bool needs_escapes(std::string_view text) {
    while (!text.empty()) {
        const auto next = decode_utf8(text);
        if (!next) {
            return true;
        }
        const auto c = next->character;
        const bool control = (c < 0x20 && c != '\n') || (c >= 0x7f && c <= 0xa0);
        const bool invisible = c == 0xad || (c >= 0x200b && c <= 0x200f) ||
                               (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f);
        if (control || invisible || c == 0xfeff || (c & 0xfffeU) == 0xfffe) {
            return true;
        }
        text.remove_prefix(next->length);
    }
    return false;
}

bool needs_quotes(std::string_view text) {
    if (text.empty() || text.front() == ' ' || text.back() == ' ' || text.back() == ':') {
        return true;
    }
    return !starts_plainly(text) || is_reserved_word(text) || looks_like_number(text) ||
           text.find(": ") != std::string_view::npos || text.find(" #") != std::string_view::npos ||
           text.find('\n') != std::string_view::npos || needs_escapes(text);
}

}  // namespace backup
