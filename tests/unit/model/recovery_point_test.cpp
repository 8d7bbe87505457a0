// SPDX-License-Identifier: Apache-2.0
#include "core/model/recovery_point.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

using namespace backup;
using namespace backup::model;
using namespace backup::testing;

namespace {

RecoveryPoint read_back(const RecoveryPoint& point) {
    return recovery_point_from_json(parse_json(format_json(to_json(point))));
}

ErrorCode code_of_name(const std::string& name) {
    return error_code_of([&] {
        check_point_name(name);
        return 0;
    });
}

}  // namespace

TEST_CASE("a point comes back as it was, but for its id") {
    RecoveryPoint point;
    CHECK(read_back(point) == point);
    point.id = "not stored";
    point.name = "nightly";
    point.created = parse_rfc3339("2026-11-20T10:00:00Z") + std::chrono::milliseconds(300);
    point.finished = parse_rfc3339("2026-11-20T10:01:00Z");
    point.status = PointStatus::Incomplete;
    point.description = "words \"and\" more\n";
    point.tags = {{"a", "b"}, {"c", ""}};
    point.cluster = {"uid", "", "v1.20"};
    point.namespaces = {"shop"};
    point.host = "host";
    point.program = "kubectl-backup 0.1.0";
    point.previous = "abc";
    point.statistics = {1, 2, 3, 4, std::uint64_t{1} << 60U, 6, 7};
    auto expected = point;
    expected.id.clear();
    CHECK(read_back(point) == expected);
    CHECK(to_json(RecoveryPoint()).find("cluster")->is_null());
    CHECK(to_json(RecoveryPoint()).find("previous")->is_null());
}

TEST_CASE("damaged records are refused") {
    const auto code_without = [](std::string_view member, Json value) {
        auto json = to_json(RecoveryPoint());
        json[member] = std::move(value);
        return error_code_of([&] { return recovery_point_from_json(json); });
    };
    CHECK(code_without("created", {}) == ErrorCode::CorruptData);
    CHECK(code_without("status", "Fine") == ErrorCode::CorruptData);
    CHECK(code_without("tags", Json::object({{"a", 1}})) == ErrorCode::CorruptData);
    CHECK(code_without("namespaces", Json::array({1})) == ErrorCode::CorruptData);
    CHECK(code_without("statistics", Json::object({{"files", -1}})) == ErrorCode::CorruptData);
    CHECK(error_code_of([] { return recovery_point_from_json(Json("x")); }) ==
          ErrorCode::CorruptData);
}

TEST_CASE("names of points") {
    for (const auto* name :
         {"a", "nightly", "shop-20261120T100000Z", "0.1_b-c", "latest2", "the-latest", "Latest"}) {
        CHECK_NOTHROW(check_point_name(name));
    }
    CHECK_NOTHROW(check_point_name(std::string(128, 'a')));
    for (const auto& name : {std::string(),
                             std::string("a:b"),
                             std::string(129, 'a'),
                             std::string("a b"),
                             std::string("-a"),
                             std::string(".a"),
                             std::string("a/b"),
                             std::string("latest"),
                             std::string("latest:shop"),
                             std::string("a~2"),
                             std::string("@2h"),
                             std::string("\xc3\xa4")}) {
        INFO(name);
        CHECK(code_of_name(name) == ErrorCode::InvalidArgument);
    }
}
