// SPDX-License-Identifier: Apache-2.0
#include "core/model/quantity.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace backup::model {

namespace {

struct Suffix {
    std::string_view text;
    int base;
    int exponent;
};

constexpr std::array<Suffix, 17> kSuffixes = {{{"", 10, 0},
                                               {"n", 10, -9},
                                               {"u", 10, -6},
                                               {"m", 10, -3},
                                               {"k", 10, 3},
                                               {"M", 10, 6},
                                               {"G", 10, 9},
                                               {"T", 10, 12},
                                               {"P", 10, 15},
                                               {"E", 10, 18},
                                               {"Ki", 2, 10},
                                               {"Mi", 2, 20},
                                               {"Gi", 2, 30},
                                               {"Ti", 2, 40},
                                               {"Pi", 2, 50},
                                               {"Ei", 2, 60},
                                               {"K", 10, 3}}};

/// More digits than these have no place in 64 bits, or do not count.
constexpr std::size_t kMostDigits = 40;

bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

std::size_t count_number(std::string_view text) {
    const auto* const end =
        std::find_if_not(text.begin(), text.end(), [](char c) { return is_digit(c) || c == '.'; });
    return static_cast<std::size_t>(end - text.begin());
}

std::optional<long double> read_number(std::string_view text) {
    const auto dots = std::count(text.begin(), text.end(), '.');
    const bool has_digit = std::any_of(text.begin(), text.end(), is_digit);
    if (!has_digit || dots > 1 || text.size() > kMostDigits) {
        return std::nullopt;
    }
    const auto dot = std::min(text.find('.'), text.size());
    long double whole = 0;
    for (const char digit : text.substr(0, dot)) {
        whole = whole * 10 + static_cast<long double>(digit - '0');
    }
    long double part = 0;
    for (auto i = text.size(); i > dot + 1; --i) {
        part = (part + static_cast<long double>(text[i - 1] - '0')) / 10;
    }
    return whole + part;
}

/// "e9", "E-3"; the letter alone is a suffix.
std::optional<int> read_exponent(std::string_view text) {
    if (text.size() < 2 || (text.front() != 'e' && text.front() != 'E')) {
        return std::nullopt;
    }
    text.remove_prefix(text[1] == '+' ? 2 : 1);
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool is_whole = error == std::errc() && end == text.data() + text.size();
    return is_whole && std::abs(value) <= 30 ? std::optional(value) : std::nullopt;
}

std::optional<long double> read_factor(std::string_view text) {
    const auto* const found =
        std::find_if(kSuffixes.begin(), kSuffixes.end(), [text](const Suffix& suffix) {
            return suffix.text == text;
        });
    if (found != kSuffixes.end()) {
        return found->base == 2 ? std::ldexp(1.0L, found->exponent)
                                : std::pow(10.0L, found->exponent);
    }
    const auto exponent = read_exponent(text);
    return exponent ? std::optional(std::pow(10.0L, *exponent)) : std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> find_quantity(std::string_view text) {
    if (text.starts_with('+')) {
        text.remove_prefix(1);
    }
    const auto length = count_number(text);
    const auto number = read_number(text.substr(0, length));
    const auto factor = read_factor(text.substr(length));
    if (!number || !factor) {
        return std::nullopt;
    }
    const long double bytes = std::ceil(*number * *factor);
    if (bytes >= std::ldexp(1.0L, 64)) {
        return std::nullopt;
    }
    return static_cast<std::uint64_t>(bytes);
}

std::uint64_t parse_quantity(std::string_view text) {
    if (const auto value = find_quantity(text)) {
        return *value;
    }
    throw Error(ErrorCode::InvalidArgument, concat("'", printable(text), "' is no size"))
        .hint("a number with a unit of Kubernetes: 512Mi, 10Gi, 1.5Ti (binary) or 10G (decimal)");
}

}  // namespace backup::model
