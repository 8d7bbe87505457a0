// SPDX-License-Identifier: Apache-2.0
#include "core/base/units.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <array>
#include <cmath>
#include <optional>

namespace backup {

namespace {

constexpr std::string_view kSizeLetters = "KMGTPE";

/// Takes "12" or "1.5" off the front; empty when there is no digit. A number of more than 18 digits
/// is beyond every unit here.
std::optional<long double> take_number(std::string_view& text) {
    long double value = 0;
    long double place = 1;
    bool fraction = false;
    std::size_t digits = 0;
    std::size_t length = 0;
    for (; length < text.size(); ++length) {
        const char character = text[length];
        if (character == '.' && !fraction) {
            fraction = true;
        } else if (character >= '0' && character <= '9') {
            place = fraction ? place / 10 : place;
            value = fraction ? value + place * static_cast<long double>(character - '0')
                             : value * 10 + static_cast<long double>(character - '0');
            ++digits;
        } else {
            break;
        }
    }
    if (digits == 0 || digits > 19) {
        return std::nullopt;
    }
    text.remove_prefix(length);
    return value;
}

/// 1 for "" and "b", 1024 for "k", "kb", "kib" and so on; 0 for what is no unit.
long double size_unit(std::string_view text) {
    auto unit = to_lower(text);
    if (unit.empty() || unit == "b") {
        return 1;
    }
    const auto power = to_lower(kSizeLetters).find(unit.front());
    const auto rest = unit.substr(1);
    if (power == std::string::npos ||
        !(rest.empty() || rest == "b" || rest == "i" || rest == "ib")) {
        return 0;
    }
    return std::ldexp(1.0L, 10 * (static_cast<int>(power) + 1));
}

struct DurationUnit {
    std::string_view name;
    long double nanoseconds;
};

constexpr std::array<DurationUnit, 9> kDurationUnits = {{
    {"ns", 1e0L},
    {"us", 1e3L},
    {"\xc2\xb5s", 1e3L},
    {"\xce\xbcs", 1e3L},
    {"ms", 1e6L},
    {"s", 1e9L},
    {"m", 60e9L},
    {"h", 3600e9L},
    {"d", 86400e9L},
}};

long double take_duration_unit(std::string_view& text) {
    const DurationUnit* longest = nullptr;
    for (const auto& unit : kDurationUnits) {
        if (text.starts_with(unit.name) && (!longest || unit.name.size() > longest->name.size())) {
            longest = &unit;
        }
    }
    if (longest == nullptr) {
        return 0;
    }
    text.remove_prefix(longest->name.size());
    return longest->nanoseconds;
}

[[noreturn]] void fail_duration(std::string_view text) {
    throw Error(ErrorCode::InvalidArgument,
                concat("'", printable(text), "' is not a duration such as 90s, 1h30m or 7d"));
}

std::string two_units(std::int64_t high, char high_unit, std::int64_t low, char low_unit) {
    return low == 0 ? concat(high, high_unit) : concat(high, high_unit, low, low_unit);
}

}  // namespace

std::string format_size(std::uint64_t bytes) {
    if (bytes < 1024) {
        return concat(bytes, " B");
    }
    std::size_t power = 0;
    auto tenths = std::llround(static_cast<long double>(bytes) * 10 / 1024);
    for (long double unit = 1024; tenths >= 10240 && power + 1 < kSizeLetters.size(); ++power) {
        unit *= 1024;
        tenths = std::llround(static_cast<long double>(bytes) * 10 / unit);
    }
    return concat(tenths / 10, ".", tenths % 10, " ", kSizeLetters[power], "iB");
}

std::uint64_t parse_size(std::string_view text) {
    auto rest = trim(text);
    const auto number = take_number(rest);
    const auto unit = number ? size_unit(trim(rest)) : 0;
    const auto bytes = number.value_or(0) * unit;
    if (unit == 0 || bytes >= std::ldexp(1.0L, 64)) {
        throw Error(ErrorCode::InvalidArgument,
                    concat("'", printable(text), "' is not a size such as 512, 64MiB or 1.5g"));
    }
    return static_cast<std::uint64_t>(bytes);
}

std::string format_age(std::chrono::nanoseconds age) {
    const std::int64_t seconds = age.count() / 1'000'000'000;
    const auto minutes = seconds / 60;
    const auto hours = seconds / 3600;
    const auto days = hours / 24;
    if (seconds < -1) {
        return "<invalid>";
    }
    if (seconds < 120) {
        return concat(seconds < 0 ? 0 : seconds, "s");
    }
    if (minutes < 10) {
        return two_units(minutes, 'm', seconds % 60, 's');
    }
    if (minutes < 180) {
        return concat(minutes, "m");
    }
    if (hours < 8) {
        return two_units(hours, 'h', minutes % 60, 'm');
    }
    if (hours < 48) {
        return concat(hours, "h");
    }
    if (days < 8) {
        return two_units(days, 'd', hours % 24, 'h');
    }
    if (days < 2 * 365) {
        return concat(days, "d");
    }
    if (days < 8 * 365) {
        return two_units(days / 365, 'y', days % 365, 'd');
    }
    return concat(days / 365, "y");
}

std::chrono::nanoseconds parse_duration(std::string_view text) {
    auto rest = trim(text);
    long double total = 0;
    bool first = true;
    do {
        const auto number = take_number(rest);
        if (!number) {
            fail_duration(text);
        }
        const bool bare = first && rest.empty();
        const auto unit = bare ? 1e9L : take_duration_unit(rest);
        if (unit == 0) {
            fail_duration(text);
        }
        total += *number * unit;
        first = false;
    } while (!rest.empty());
    if (total >= 9.2e18L) {
        fail_duration(text);
    }
    return std::chrono::nanoseconds(std::llround(total));
}

}  // namespace backup
