// SPDX-License-Identifier: Apache-2.0
#include "tests/support/random_json.hpp"

#include <array>
#include <string_view>

namespace backup::testing {

namespace {

using namespace std::string_view_literals;

constexpr std::array kWords = {
    "yes"sv,   "no"sv,    "on"sv,         "off"sv,  "y"sv,          "N"sv,        "true"sv,
    "False"sv, "null"sv,  "~"sv,          "Null"sv, "1e3"sv,        "0x1f"sv,     "0o7"sv,
    "017"sv,   "1_000"sv, ".5"sv,         ".inf"sv, ".NaN"sv,       "12:30:45"sv, "2026-01-01"sv,
    "="sv,     "<<"sv,    "-"sv,          "?"sv,    "2001-12-14"sv, "0b101"sv,    "+1"sv,
    "-1"sv,    "1."sv,    "10.0.0.1"sv,   "1.2"sv,  "1,000"sv,      "---"sv,      "..."sv,
    "web"sv,   "a b"sv,   "nginx:1.25"sv, "--x"sv,  "%TAG"sv,       "@a"sv,       "`x`"sv,
};

constexpr std::array kPieces = {
    " "sv,
    "\n"sv,
    "\t"sv,
    ":"sv,
    "#"sv,
    "'"sv,
    "\""sv,
    "\\"sv,
    "- "sv,
    "? "sv,
    ": "sv,
    " #"sv,
    "{"sv,
    "}"sv,
    "["sv,
    "]"sv,
    ","sv,
    "&"sv,
    "*"sv,
    "!"sv,
    "|"sv,
    ">"sv,
    "%"sv,
    "@"sv,
    "\r"sv,
    "\x01"sv,
    "\x7f"sv,
    "\0"sv,
    "\x1b[1m"sv,
    "\n\n"sv,
    "\n  "sv,
    " \n"sv,
    "\xc2\x85"sv,
    "\xc2\xa0"sv,
    "\xe2\x80\xa8"sv,
    "\xef\xbb\xbf"sv,
    "\xc3\xa9"sv,
    "\xf0\x9f\x98\x80"sv,
    "\xef\xbf\xbe"sv,
    "a"sv,
    "Z"sv,
    "0"sv,
    "9"sv,
    "."sv,
    "_"sv,
    "word"sv,
    "two words"sv,
    "line\n"sv,
    "key: value\n"sv,
    "\ttab\n"sv,
    "\n---\n"sv,
    "\n...\n"sv,
};

constexpr std::array kNumbers = {
    "0"sv,
    "-0"sv,
    "1.0"sv,
    "1e3"sv,
    "1E+21"sv,
    "-1.5e-7"sv,
    "18446744073709551615"sv,
    "0.10"sv,
    "42"sv,
    "-17"sv,
    "1e-400"sv,
    "123456789012345678901234567890"sv,
};

template <std::size_t size>
std::string pick(SeededRandom& random, const std::array<std::string_view, size>& from) {
    return std::string(from[random.below(size)]);
}

}  // namespace

std::string random_text(SeededRandom& random) {
    if (random.chance(3)) {
        return pick(random, kWords);
    }
    std::string text;
    for (auto pieces = random.below(8); pieces > 0; --pieces) {
        text += random.chance(4) ? pick(random, kWords) : pick(random, kPieces);
    }
    return text;
}

Json random_json(SeededRandom& random, int depth) {
    switch (random.below(depth > 0 ? 8 : 4)) {
        case 0:
            return {};
        case 1:
            return random.chance(2);
        case 2:
            return Json::Number{pick(random, kNumbers)};
        case 3:
            return random_text(random);
        case 4:
        case 5: {
            auto items = Json::array();
            for (auto count = random.below(5); count > 0; --count) {
                items.push_back(random_json(random, depth - 1));
            }
            return items;
        }
        default: {
            auto members = Json::object();
            for (auto count = random.below(6); count > 0; --count) {
                members[random_text(random)] = random_json(random, depth - 1);
            }
            return members;
        }
    }
}

}  // namespace backup::testing
