// SPDX-License-Identifier: Apache-2.0
#include "core/model/retention.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <map>

using namespace backup;
using namespace backup::model;

namespace {

RetentionPoint point_at(std::string_view time, PointStatus status = PointStatus::Complete) {
    RetentionPoint point;
    point.point.created = parse_rfc3339(time);
    point.point.name = std::string(time);
    point.point.id = std::string(time);
    point.point.status = status;
    point.point.namespaces = {"shop"};
    return point;
}

std::vector<RetentionPoint> points_at(const std::vector<std::string_view>& times) {
    std::vector<RetentionPoint> points;
    for (const auto time : times) {
        points.push_back(point_at(time));
    }
    return points;
}

/// "name: reason, reason" of those that stay, in the order of the decisions.
std::vector<std::string> kept(const std::vector<RetentionPoint>& points,
                              const RetentionRules& rules) {
    std::vector<std::string> names;
    const auto decisions = apply_retention(points, rules);
    REQUIRE(decisions.size() == points.size());
    for (const auto& decision : decisions) {
        CHECK_FALSE(decision.reasons.empty());
        if (decision.keep) {
            names.push_back(points[decision.number].point.name + ": " +
                            join(decision.reasons, ", "));
        }
    }
    return names;
}

using Names = std::vector<std::string>;

RetentionRules only(unsigned RetentionRules::*count, unsigned value) {
    RetentionRules rules;
    rules.min_good = 0;
    rules.*count = value;
    return rules;
}

}  // namespace

TEST_CASE("retention: periods are read") {
    CHECK(parse_period("7d") == Period{0, 7 * 24});
    CHECK(parse_period("2w") == Period{0, 14 * 24});
    CHECK(parse_period("6mo") == Period{6, 0});
    CHECK(parse_period("1y") == Period{12, 0});
    CHECK(parse_period("1y6mo3d12h") == Period{18, 3 * 24 + 12});
    for (const auto* text : {"",
                             "7",
                             "d",
                             "0d",
                             "7m",
                             "1 y",
                             "-1d",
                             "1.5d",
                             "99999999999d",
                             "9999y",
                             "18446744073709551617h"}) {
        INFO(text);
        CHECK_THROWS_AS(parse_period(text), Error);
    }
}

TEST_CASE("retention: a period is subtracted by the calendar") {
    const auto minus = [](std::string_view time, std::string_view period) {
        return format_rfc3339(subtract(parse_rfc3339(time), parse_period(period)));
    };
    CHECK(minus("2026-03-31T10:00:00Z", "1mo") == "2026-02-28T10:00:00Z");
    CHECK(minus("2024-03-31T10:00:00Z", "1mo") == "2024-02-29T10:00:00Z");
    CHECK(minus("2024-02-29T00:00:01Z", "1y") == "2023-02-28T00:00:01Z");
    CHECK(minus("2026-01-15T10:00:00Z", "2mo") == "2025-11-15T10:00:00Z");
    CHECK(minus("2026-01-01T10:00:00Z", "36h") == "2025-12-30T22:00:00Z");
    CHECK(minus("2026-01-01T10:00:00Z", "900y") == "1678-01-01T10:00:00Z");
}

TEST_CASE("retention: each counting rule") {
    struct Row {
        unsigned RetentionRules::*rule;
        unsigned count;
        std::vector<std::string_view> times;
        Names expected;
    };

    const std::vector<Row> rows{
        {&RetentionRules::last,
         2,
         {"2026-11-20T10:00:00Z", "2026-11-20T10:00:02Z", "2026-11-20T10:00:01Z"},
         {"2026-11-20T10:00:02Z: last 1", "2026-11-20T10:00:01Z: last 2"}},
        {&RetentionRules::hourly,
         2,
         {"2026-11-20T10:59:59Z", "2026-11-20T11:00:00Z", "2026-11-20T11:59:59Z"},
         {"2026-11-20T11:59:59Z: hourly 1", "2026-11-20T10:59:59Z: hourly 2"}},
        {&RetentionRules::daily,
         2,
         {"2026-11-17T01:00:00Z",
          "2026-11-19T23:59:59Z",
          "2026-11-20T00:00:00Z",
          "2026-11-20T23:00:00Z"},
         {"2026-11-20T23:00:00Z: daily 1", "2026-11-19T23:59:59Z: daily 2"}},
        // Sunday and Monday; the week of New Year is one week.
        {&RetentionRules::weekly,
         2,
         {"2026-11-15T23:59:59Z", "2026-11-16T00:00:00Z", "2026-11-22T23:59:59Z"},
         {"2026-11-22T23:59:59Z: weekly 1", "2026-11-15T23:59:59Z: weekly 2"}},
        {&RetentionRules::weekly,
         5,
         {"2025-12-29T00:00:00Z", "2026-01-04T23:59:59Z"},
         {"2026-01-04T23:59:59Z: weekly 1"}},
        {&RetentionRules::monthly,
         2,
         {"2025-11-30T00:00:00Z", "2026-10-31T23:59:59Z", "2026-11-01T00:00:00Z"},
         {"2026-11-01T00:00:00Z: monthly 1", "2026-10-31T23:59:59Z: monthly 2"}},
        {&RetentionRules::yearly,
         kKeepAll,
         {"2024-12-31T23:59:59Z", "2025-01-01T00:00:00Z", "2025-12-31T23:59:59Z"},
         {"2025-12-31T23:59:59Z: yearly 1", "2024-12-31T23:59:59Z: yearly 2"}},
        {&RetentionRules::hourly,
         3,
         {"1969-12-31T23:30:00Z", "1970-01-01T00:10:00Z"},
         {"1970-01-01T00:10:00Z: hourly 1", "1969-12-31T23:30:00Z: hourly 2"}},
    };
    for (const auto& row : rows) {
        CHECK(kept(points_at(row.times), only(row.rule, row.count)) == row.expected);
    }
}

TEST_CASE("retention: summer time neither loses nor doubles an hour or a day") {
    // 2026-10-25: in Berlin the hour from two to three came twice.
    const auto points = points_at(
        {"2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00", "2026-10-25T00:10:00+02:00"});
    CHECK(kept(points, only(&RetentionRules::hourly, 9)).size() == 3);
    // The third one is still the 24th in UTC.
    CHECK(kept(points, only(&RetentionRules::daily, 9)) ==
          Names{"2026-10-25T02:30:00+01:00: daily 1", "2026-10-25T00:10:00+02:00: daily 2"});
}

TEST_CASE("retention: the rules together keep what any of them keeps, with every reason") {
    auto rules = only(&RetentionRules::last, 1);
    rules.daily = 2;
    rules.tags = {"release", "stage=prod"};
    auto points = points_at({"2026-11-20T10:00:00Z",
                             "2026-11-19T10:00:00Z",
                             "2026-11-18T10:00:00Z",
                             "2026-11-17T10:00:00Z",
                             "2026-11-16T10:00:00Z"});
    points[3].point.tags = {{"release", "1.2"}, {"stage", "prod"}};
    points[4].point.tags = {{"stage", "test"}};
    CHECK(kept(points, rules) == Names{"2026-11-20T10:00:00Z: last 1, daily 1",
                                       "2026-11-19T10:00:00Z: daily 2",
                                       "2026-11-17T10:00:00Z: tag release, tag stage=prod"});
}

TEST_CASE("retention: within counts from the newest point, not from a clock") {
    RetentionRules rules;
    rules.within = parse_period("2d");
    const auto points =
        points_at({"2020-01-10T10:00:00Z", "2020-01-08T10:00:00Z", "2020-01-08T09:59:59Z"});
    CHECK(kept(points, rules) ==
          Names{"2020-01-10T10:00:00Z: within", "2020-01-08T10:00:00Z: within"});
}

TEST_CASE("retention: a bad point takes no place of a good one") {
    auto points = points_at({"2026-11-20T08:00:00Z", "2026-11-19T08:00:00Z"});
    points.push_back(point_at("2026-11-20T09:00:00Z", PointStatus::Incomplete));
    points.push_back(point_at("2026-11-19T09:00:00Z", PointStatus::Failed));
    points.push_back(point_at("2026-11-18T09:00:00Z", PointStatus::Incomplete));
    points.push_back(point_at("2026-11-20T10:00:00Z", PointStatus::Warnings));
    points.back().is_damaged = true;
    CHECK(kept(points, only(&RetentionRules::daily, 3)) == Names{"2026-11-20T08:00:00Z: daily 1",
                                                                 "2026-11-19T08:00:00Z: daily 2",
                                                                 "2026-11-18T09:00:00Z: daily 3"});

    auto rules = only(&RetentionRules::last, 1);
    rules.min_good = 2;
    CHECK(kept(points, rules) == Names{"2026-11-20T10:00:00Z: last 1",
                                       "2026-11-20T08:00:00Z: min-good",
                                       "2026-11-19T08:00:00Z: min-good"});
    for (const auto& decision : apply_retention(points, rules)) {
        if (points[decision.number].point.name == "2026-11-19T09:00:00Z") {
            CHECK(decision.reasons == Names{"no rule, not good: failed"});
        }
    }
}

TEST_CASE("retention: a point under hold stays and counts as good only when it is") {
    auto points = points_at({"2026-11-20T10:00:00Z", "2026-11-19T10:00:00Z"});
    points.push_back(point_at("2026-11-18T10:00:00Z", PointStatus::Incomplete));
    points[1].is_held = true;
    points[2].is_held = true;
    auto rules = only(&RetentionRules::last, 0);
    rules.tags = {"none"};
    CHECK(kept(points, rules) == Names{"2026-11-19T10:00:00Z: hold", "2026-11-18T10:00:00Z: hold"});
    rules.min_good = 2;
    CHECK(kept(points, rules) == Names{"2026-11-20T10:00:00Z: min-good",
                                       "2026-11-19T10:00:00Z: hold",
                                       "2026-11-18T10:00:00Z: hold"});
}

TEST_CASE("retention: groups are judged apart") {
    auto points = points_at({"2026-11-20T10:00:00Z",
                             "2026-11-19T10:00:00Z",
                             "2026-11-18T10:00:00Z",
                             "2026-11-17T10:00:00Z"});
    points[1].point.namespaces = {"web", "shop"};
    points[2].point.namespaces = {"shop", "web"};
    points[3].point.cluster.uid = "other";
    const auto count = [&points](GroupBy by) {
        auto rules = only(&RetentionRules::last, 1);
        rules.group_by = by;
        return kept(points, rules).size();
    };
    CHECK(count(GroupBy::Cluster | GroupBy::Namespaces) == 3);
    CHECK(count(GroupBy::Cluster) == 2);
    CHECK(count(GroupBy::Namespaces) == 2);
    CHECK(count(GroupBy::Host) == 1);
    CHECK(count(GroupBy::None) == 1);
    CHECK(parse_group_by("cluster,namespaces") == (GroupBy::Cluster | GroupBy::Namespaces));
    CHECK(parse_group_by("none") == GroupBy::None);
    CHECK_THROWS_AS(parse_group_by("none,host"), Error);
    CHECK_THROWS_AS(parse_group_by("node"), Error);
    CHECK_THROWS_AS(parse_group_by(""), Error);
}

TEST_CASE("retention: without a rule only the good minimum stays, and nothing is nothing") {
    RetentionRules rules;
    CHECK_FALSE(rules.has_any());
    CHECK(apply_retention({}, rules).empty());
    CHECK(kept(points_at({"2026-11-20T10:00:00Z", "2026-11-19T10:00:00Z"}), rules) ==
          Names{"2026-11-20T10:00:00Z: min-good"});
    rules.yearly = 1;
    CHECK(rules.has_any());
}
