// SPDX-License-Identifier: Apache-2.0
#include "core/view/resolve.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

namespace backup::testing {
namespace {

repository::PointRecord make_record(std::string name,
                                    std::string id,
                                    std::string_view time,
                                    std::vector<std::string> namespaces) {
    repository::PointRecord record;
    record.point.name = std::move(name);
    record.point.id = std::move(id);
    record.point.created = parse_rfc3339(time);
    record.point.namespaces = std::move(namespaces);
    return record;
}

const std::vector<repository::PointRecord>& points() {
    static const std::vector<repository::PointRecord> made = {
        make_record("shop-1", "abcd1111", "2026-11-18T10:00:00Z", {"shop"}),
        make_record("shop-2", "abcd2222", "2026-11-19T10:00:00Z", {"shop", "other"}),
        make_record("deadbeef", "00112233", "2026-11-20T10:00:00Z", {"other"}),
        make_record("shop-1", "ffff0000", "2026-11-20T11:00:00Z", {"shop"}),
    };
    return made;
}

const TimePoint kNow = parse_rfc3339("2026-11-20T12:00:00Z");

std::string resolve(std::string_view text) {
    return view::resolve_point(points(), text, kNow).point.id;
}

Error failure(std::string_view text) {
    return error_of([&] { return resolve(text); });
}

TEST_CASE("points are found by all that a person may say") {
    CHECK(resolve("latest") == "ffff0000");
    CHECK(resolve("latest~1") == "00112233");
    CHECK(resolve("latest~3") == "abcd1111");
    CHECK(resolve("latest:other") == "00112233");
    CHECK(resolve("latest:other~1") == "abcd2222");
    CHECK(resolve("shop-2") == "abcd2222");
    CHECK(resolve("abcd1") == "abcd1111");
    CHECK(resolve("ABCD1") == "abcd1111");
    CHECK(resolve("@2026-11-19T10:00Z") == "abcd2222");
    CHECK(resolve("recoverypoint/shop-2") == "abcd2222");
    CHECK(resolve("@2026-11-19") == "abcd1111");
    CHECK(resolve("@1h") == "ffff0000");
    CHECK(resolve("@90m") == "00112233");
}

TEST_CASE("of two points with one name the newest is meant") {
    CHECK(resolve("shop-1") == "ffff0000");
}

TEST_CASE(
    "points of one second stay in their order, and a time read off a screen names its second") {
    const std::vector<repository::PointRecord> close = {
        make_record("first", "ffff1111", "2026-11-20T10:00:00.1Z", {"shop"}),
        make_record("second", "aaaa2222", "2026-11-20T10:00:00.9Z", {"shop"}),
    };
    const auto of = [&](std::string_view text) {
        return view::resolve_point(close, text, kNow).point.name;
    };
    CHECK(of("latest") == "second");
    CHECK(of("@2026-11-20T10:00:00Z") == "second");
    CHECK(of("@2026-11-20T10:00:00.5Z") == "first");
    CHECK(error_of([&] { of("@2026-11-20T09:59:59Z"); }).code() == ErrorCode::PointNotFound);
}

TEST_CASE("a name goes before an id") {
    CHECK(resolve("deadbeef") == "00112233");
}

TEST_CASE("what names no point is said, with a guess") {
    CHECK(failure("shop2").code() == ErrorCode::PointNotFound);
    CHECK_THAT(std::string(failure("shop2").hint()), contains("shop-2"));
    CHECK(failure("latest~4").code() == ErrorCode::PointNotFound);
    CHECK(failure("latest:nobody").code() == ErrorCode::PointNotFound);
    CHECK(failure("@2026-01-01").code() == ErrorCode::PointNotFound);
    CHECK(failure("@10d").code() == ErrorCode::PointNotFound);
    CHECK(failure("abc").code() == ErrorCode::PointNotFound);
    CHECK(failure("").code() == ErrorCode::PointNotFound);
    CHECK(failure("abcd").code() == ErrorCode::InvalidArgument);
    CHECK(failure("latest~x").code() == ErrorCode::InvalidArgument);
    CHECK(failure("@soon").code() == ErrorCode::InvalidArgument);
}

TEST_CASE("an empty repository has no latest point") {
    CHECK(error_code_of([] { return view::resolve_point({}, "latest", kNow).point.id; }) ==
          ErrorCode::PointNotFound);
}

}  // namespace
}  // namespace backup::testing
