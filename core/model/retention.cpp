// SPDX-License-Identifier: Apache-2.0
#include "core/model/retention.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <tuple>
#include <utility>

namespace backup::model {

namespace {

using namespace std::chrono;

constexpr std::int64_t kMostHours = std::int64_t{24} * 366 * 1000;
constexpr int kMostMonths = 12 * 1000;

year_month_day date_of(TimePoint time) {
    return floor<days>(time);
}

std::int64_t hour_of(TimePoint time) {
    return floor<hours>(time).time_since_epoch().count();
}

std::int64_t day_of(TimePoint time) {
    return floor<days>(time).time_since_epoch().count();
}

/// ISO weeks begin on Monday, and day 0 of the epoch was a Thursday.
std::int64_t week_of(TimePoint time) {
    return floor<weeks>(time + days(3)).time_since_epoch().count();
}

std::int64_t month_of(TimePoint time) {
    const auto date = date_of(time);
    return std::int64_t{static_cast<int>(date.year())} * 12 + static_cast<unsigned>(date.month());
}

std::int64_t year_of(TimePoint time) {
    return static_cast<int>(date_of(time).year());
}

struct CalendarRule {
    std::string_view name;
    unsigned RetentionRules::*count;
    std::int64_t (*bucket)(TimePoint);
};

constexpr std::array<CalendarRule, 5> kCalendarRules{
    {{"hourly", &RetentionRules::hourly, hour_of},
     {"daily", &RetentionRules::daily, day_of},
     {"weekly", &RetentionRules::weekly, week_of},
     {"monthly", &RetentionRules::monthly, month_of},
     {"yearly", &RetentionRules::yearly, year_of}}};

[[noreturn]] void refuse_period(std::string_view text) {
    throw Error(ErrorCode::InvalidArgument,
                concat("'", printable(text), "' is not a period such as 36h, 7d, 2w, 6mo or 1y"));
}

std::string group_of(const RecoveryPoint& point, GroupBy by) {
    std::vector<std::string> parts;
    if (has(by, GroupBy::Cluster)) {
        const auto& cluster = point.cluster;
        parts.push_back(!cluster.uid.empty()      ? concat("cluster ", cluster.uid)
                        : !cluster.server.empty() ? concat("cluster ", cluster.server)
                                                  : std::string("no cluster"));
    }
    if (has(by, GroupBy::Namespaces)) {
        auto names = point.namespaces;
        std::sort(names.begin(), names.end());
        parts.push_back(concat("namespaces ", names.empty() ? "none" : join(names, ",")));
    }
    if (has(by, GroupBy::Host)) {
        parts.push_back(concat("host ", point.host));
    }
    return parts.empty() ? std::string("all") : join(parts, ", ");
}

bool carries(const RecoveryPoint& point, std::string_view tag) {
    const auto equals = tag.find('=');
    const auto found = point.tags.find(std::string(tag.substr(0, equals)));
    return found != point.tags.end() &&
           (equals == std::string_view::npos || found->second == tag.substr(equals + 1));
}

std::string why_not_good(const RetentionPoint& point) {
    if (point.is_damaged) {
        return "damaged";
    }
    return is_good(point)
               ? std::string()
               : concat("not good: ",
                        point.point.status == PointStatus::Failed ? "failed" : "incomplete");
}

/// The decisions of one group, newest first.
class Group {
  public:
    Group(std::span<const RetentionPoint> points,
          std::vector<std::size_t> members,
          const std::string& name)
        : points_(points) {
        std::sort(members.begin(), members.end(), [points](std::size_t left, std::size_t right) {
            return std::tie(points[right].point.created, points[right].point.id) <
                   std::tie(points[left].point.created, points[left].point.id);
        });
        for (const auto number : members) {
            decisions_.push_back({number, name, false, {}});
        }
    }

    std::vector<Decision> decide(const RetentionRules& rules) {
        keep_special(rules);
        for (std::size_t i = 0; i < decisions_.size() && i < rules.last; ++i) {
            keep(i, concat("last ", i + 1));
        }
        for (const auto& rule : kCalendarRules) {
            keep_by_calendar(rule, rules.*rule.count);
        }
        keep_good(rules.min_good);
        for (auto& decision : decisions_) {
            if (!decision.keep) {
                const auto flaw = why_not_good(points_[decision.number]);
                decision.reasons.push_back(concat("no rule", flaw.empty() ? "" : ", ", flaw));
            }
        }
        return std::move(decisions_);
    }

  private:
    const RetentionPoint& at(std::size_t i) const { return points_[decisions_[i].number]; }

    void keep(std::size_t i, std::string reason) {
        decisions_[i].keep = true;
        decisions_[i].reasons.push_back(std::move(reason));
    }

    void keep_special(const RetentionRules& rules) {
        const auto since =
            rules.within ? subtract(at(0).point.created, *rules.within) : TimePoint::max();
        for (std::size_t i = 0; i < decisions_.size(); ++i) {
            if (at(i).is_held) {
                keep(i, "hold");
            }
            if (at(i).point.created >= since) {
                keep(i, "within");
            }
            for (const auto& tag : rules.tags) {
                if (carries(at(i).point, tag)) {
                    keep(i, concat("tag ", tag));
                }
            }
        }
    }

    void keep_by_calendar(const CalendarRule& rule, unsigned count) {
        unsigned kept = 0;
        for (std::size_t begin = 0; begin < decisions_.size() && kept < count;) {
            const auto bucket = rule.bucket(at(begin).point.created);
            auto end = begin;
            auto chosen = decisions_.size();
            while (end < decisions_.size() && rule.bucket(at(end).point.created) == bucket) {
                if (chosen == decisions_.size() && is_good(at(end))) {
                    chosen = end;
                }
                ++end;
            }
            keep(chosen == decisions_.size() ? begin : chosen, concat(rule.name, " ", ++kept));
            begin = end;
        }
    }

    void keep_good(unsigned count) {
        unsigned good = 0;
        for (std::size_t i = 0; i < decisions_.size(); ++i) {
            good += decisions_[i].keep && is_good(at(i)) ? 1U : 0U;
        }
        for (std::size_t i = 0; i < decisions_.size() && good < count; ++i) {
            if (!decisions_[i].keep && is_good(at(i))) {
                keep(i, "min-good");
                ++good;
            }
        }
    }

    std::span<const RetentionPoint> points_;
    std::vector<Decision> decisions_;
};

/// Takes the number off the front; refuses what is none or too large.
std::int64_t take_count(std::string_view& rest, std::string_view text) {
    std::int64_t count = 0;
    std::size_t digits = 0;
    while (digits < rest.size() && rest[digits] >= '0' && rest[digits] <= '9') {
        count = count * 10 + (rest[digits] - '0');
        ++digits;
        if (count > kMostHours) {
            refuse_period(text);
        }
    }
    if (digits == 0) {
        refuse_period(text);
    }
    rest.remove_prefix(digits);
    return count;
}

void add_unit(Period& period, std::int64_t count, std::string_view unit, std::string_view text) {
    std::int64_t months = 0;
    if (unit == "h") {
        period.hours += count;
    } else if (unit == "d") {
        period.hours += count * 24;
    } else if (unit == "w") {
        period.hours += count * 24 * 7;
    } else if (unit == "mo") {
        months = count;
    } else if (unit == "y") {
        months = count * 12;
    } else {
        refuse_period(text);
    }
    months += period.months;
    if (period.hours > kMostHours || months > kMostMonths) {
        refuse_period(text);
    }
    period.months = static_cast<int>(months);
}

}  // namespace

Period parse_period(std::string_view text) {
    Period period;
    auto rest = trim(text);
    do {
        const auto count = take_count(rest, text);
        const auto letters = std::min(rest.find_first_of("0123456789"), rest.size());
        add_unit(period, count, rest.substr(0, letters), text);
        rest.remove_prefix(letters);
    } while (!rest.empty());
    if (period == Period{}) {
        refuse_period(text);
    }
    return period;
}

TimePoint subtract(TimePoint time, const Period& period) {
    const auto midnight = floor<days>(time);
    auto date = year_month_day(midnight) - months(period.months);
    if (!date.ok()) {
        date = date.year() / date.month() / last;
    }
    // Nanoseconds in 64 bits reach back to 1677.
    const auto earliest = year_month_day(year(1678) / January / 1);
    const auto day = std::max(sys_days(date), sys_days(earliest));
    const auto result = duration_cast<hours>(day.time_since_epoch()) - hours(period.hours);
    if (result < duration_cast<hours>(sys_days(earliest).time_since_epoch())) {
        return TimePoint(duration_cast<nanoseconds>(sys_days(earliest).time_since_epoch()));
    }
    return TimePoint(duration_cast<nanoseconds>(result)) + (time - midnight);
}

GroupBy parse_group_by(std::string_view text) {
    auto group = GroupBy::None;
    for (const auto& part : split(text, ',')) {
        const auto word = trim(part);
        if (word == "cluster") {
            group = group | GroupBy::Cluster;
        } else if (word == "namespaces") {
            group = group | GroupBy::Namespaces;
        } else if (word == "host") {
            group = group | GroupBy::Host;
        } else if (word != "none" || text != "none") {
            throw Error(ErrorCode::InvalidArgument,
                        concat("points are grouped by cluster, namespaces, host or none, not by '",
                               printable(part),
                               "'"));
        }
    }
    return group;
}

bool RetentionRules::has_any() const {
    const bool is_counted = std::any_of(kCalendarRules.begin(),
                                        kCalendarRules.end(),
                                        [this](const auto& rule) { return this->*rule.count > 0; });
    return last > 0 || is_counted || within.has_value() || !tags.empty();
}

bool is_good(const RetentionPoint& point) {
    return !point.is_damaged && (point.point.status == PointStatus::Complete ||
                                 point.point.status == PointStatus::Warnings);
}

std::vector<Decision> apply_retention(std::span<const RetentionPoint> points,
                                      const RetentionRules& rules) {
    std::map<std::string, std::vector<std::size_t>> groups;
    for (std::size_t i = 0; i < points.size(); ++i) {
        groups[group_of(points[i].point, rules.group_by)].push_back(i);
    }
    std::vector<Decision> decisions;
    decisions.reserve(points.size());
    for (auto& [name, members] : groups) {
        for (auto& decision : Group(points, std::move(members), name).decide(rules)) {
            decisions.push_back(std::move(decision));
        }
    }
    return decisions;
}

}  // namespace backup::model
