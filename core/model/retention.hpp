// SPDX-License-Identifier: Apache-2.0
// Which recovery points stay: a pure function of the points and the rules. It knows neither a clock
// nor a repository; all calendar arithmetic is in UTC, so neither time zones nor summer time move
// a point into another day.
#pragma once

#include "core/model/recovery_point.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace backup::model {

/// A span of the calendar: "7d", "2w", "6mo", "1y", "36h", "1y6mo". Months and years are those of
/// the calendar.
struct Period {
    int months = 0;
    std::int64_t hours = 0;

    bool operator==(const Period&) const = default;
};

/// Throws InvalidArgument on anything else, and on nothing and zero.
Period parse_period(std::string_view text);
/// The 31st minus a month is the last day of the shorter month.
TimePoint subtract(TimePoint time, const Period& period);

enum class GroupBy : unsigned { None = 0, Cluster = 1, Namespaces = 2, Host = 4 };

constexpr GroupBy operator|(GroupBy left, GroupBy right) {
    return static_cast<GroupBy>(static_cast<unsigned>(left) | static_cast<unsigned>(right));
}

constexpr bool has(GroupBy set, GroupBy part) {
    return (static_cast<unsigned>(set) & static_cast<unsigned>(part)) != 0;
}

/// "cluster,namespaces", "host", "none"; throws InvalidArgument.
GroupBy parse_group_by(std::string_view text);

inline constexpr unsigned kKeepAll = 0xffffffffU;

struct RetentionRules {
    unsigned last = 0;
    // The newest good point of each of so many hours, days, weeks (from Monday), months, years that
    // have points; the newest one where none is good.
    unsigned hourly = 0;
    unsigned daily = 0;
    unsigned weekly = 0;
    unsigned monthly = 0;
    unsigned yearly = 0;
    std::optional<Period> within;   // before the newest point of the group: no clock is asked
    std::vector<std::string> tags;  // KEY or KEY=VALUE: points that carry any of them
    /// The newest good points are kept until a group has so many, whatever the other rules say.
    unsigned min_good = 1;
    GroupBy group_by = GroupBy::Cluster | GroupBy::Namespaces;

    /// Any rule but min_good.
    bool has_any() const;
};

struct RetentionPoint {
    RecoveryPoint point;
    bool is_damaged = false;  // a verification found it so
    bool is_held = false;
};

/// Complete or with warnings, and not damaged.
bool is_good(const RetentionPoint& point);

struct Decision {
    std::size_t number = 0;  // of the point in what was given
    std::string group;       // for people
    bool keep = false;
    std::vector<std::string> reasons;  // the rules that keep it; why none does
};

/// One decision for each point: groups by name, within a group the newest first.
std::vector<Decision> apply_retention(std::span<const RetentionPoint> points,
                                      const RetentionRules& rules);

}  // namespace backup::model
