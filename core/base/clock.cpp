// SPDX-License-Identifier: Apache-2.0
#include "core/base/clock.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <limits>

namespace backup {

namespace {

using namespace std::chrono;

struct Civil {
    int year;
    unsigned month;
    unsigned day;
    unsigned hour;
    unsigned minute;
    unsigned second;
};

Civil civil_of(TimePoint time) {
    const auto days_since = floor<days>(time);
    const year_month_day date(days_since);
    const hh_mm_ss clock(floor<seconds>(time - days_since));
    return {static_cast<int>(date.year()),
            static_cast<unsigned>(date.month()),
            static_cast<unsigned>(date.day()),
            static_cast<unsigned>(clock.hours().count()),
            static_cast<unsigned>(clock.minutes().count()),
            static_cast<unsigned>(clock.seconds().count())};
}

std::string print(const char* pattern, TimePoint time) {
    const auto at = civil_of(time);
    std::array<char, 80> buffer{};
    const int length = std::snprintf(buffer.data(),
                                     buffer.size(),
                                     pattern,
                                     at.year,
                                     at.month,
                                     at.day,
                                     at.hour,
                                     at.minute,
                                     at.second);
    return {buffer.data(), static_cast<std::size_t>(length)};
}

[[noreturn]] void fail(std::string_view text) {
    throw Error(ErrorCode::InvalidArgument,
                concat("'", printable(text), "' is not a time such as 2026-11-20T10:00:00Z"));
}

/// Takes fields off the front of a time text.
class TimeText {
  public:
    explicit TimeText(std::string_view text) : text_(text), rest_(text) {}

    int digits(std::size_t count, int lowest, int highest) {
        if (rest_.size() < count) {
            fail(text_);
        }
        int value = 0;
        for (const char digit : rest_.substr(0, count)) {
            if (digit < '0' || digit > '9') {
                fail(text_);
            }
            value = value * 10 + (digit - '0');
        }
        if (value < lowest || value > highest) {
            fail(text_);
        }
        rest_.remove_prefix(count);
        return value;
    }

    bool take(std::string_view any_of) {
        if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos) {
            return false;
        }
        rest_.remove_prefix(1);
        return true;
    }

    void expect(std::string_view any_of) {
        if (!take(any_of)) {
            fail(text_);
        }
    }

    nanoseconds fraction() {
        std::int64_t value = 0;
        std::int64_t unit = 100'000'000;
        std::size_t count = 0;
        for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; ++count) {
            value += unit * (rest_.front() - '0');
            unit /= 10;
            rest_.remove_prefix(1);
        }
        if (count == 0) {
            fail(text_);
        }
        return nanoseconds(value);
    }

    minutes offset() {
        if (take("Zz")) {
            return minutes(0);
        }
        const bool ahead = take("+");
        if (!ahead) {
            expect("-");
        }
        const int hour = digits(2, 0, 23);
        expect(":");
        const minutes distance(hour * 60 + digits(2, 0, 59));
        return ahead ? distance : -distance;
    }

    bool at_end() const { return rest_.empty(); }

  private:
    std::string_view text_;
    std::string_view rest_;
};

}  // namespace

TimePoint SystemClock::now() {
    return time_point_cast<nanoseconds>(system_clock::now());
}

steady_clock::time_point SystemClock::steady_now() {
    return steady_clock::now();
}

std::string format_rfc3339(TimePoint time) {
    return print("%04d-%02u-%02uT%02u:%02u:%02uZ", time);
}

std::string format_rfc3339_exact(TimePoint time) {
    auto text = format_rfc3339(time);
    const auto fraction = (time - floor<seconds>(time)).count();
    if (fraction == 0) {
        return text;
    }
    std::array<char, 16> digits{};
    std::snprintf(digits.data(), digits.size(), ".%09lld", static_cast<long long>(fraction));
    std::string_view shown = digits.data();
    shown = shown.substr(0, shown.find_last_not_of('0') + 1);
    text.insert(text.size() - 1, shown);
    return text;
}

std::string format_compact(TimePoint time) {
    return print("%04d%02u%02uT%02u%02u%02uZ", time);
}

TimePoint parse_rfc3339(std::string_view text) {
    TimeText in(text);
    // 64 bits of nanoseconds reach from 1677 to 2262.
    const year y(in.digits(4, 1678, 2261));
    in.expect("-");
    const month m(static_cast<unsigned>(in.digits(2, 1, 12)));
    in.expect("-");
    const day d(static_cast<unsigned>(in.digits(2, 1, 31)));
    const year_month_day date(y, m, d);
    if (!date.ok()) {
        fail(text);
    }
    TimePoint time = sys_days(date);
    if (in.at_end()) {
        return time;
    }
    in.expect("Tt ");
    time += hours(in.digits(2, 0, 23));
    in.expect(":");
    time += minutes(in.digits(2, 0, 59));
    if (in.take(":")) {
        time += seconds(in.digits(2, 0, 60));  // 60: a leap second
        if (in.take(".,")) {
            time += in.fraction();
        }
    }
    time -= in.offset();
    if (!in.at_end()) {
        fail(text);
    }
    return time;
}

}  // namespace backup
