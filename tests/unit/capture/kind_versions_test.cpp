// SPDX-License-Identifier: Apache-2.0
#include "core/capture/kind_versions.hpp"

#include "tests/support/catch.hpp"
#include "tests/unit/capture/make_object.hpp"

using namespace backup;
using namespace backup::capture;
using backup::testing::make_resource;

namespace {

model::Object object(const model::ApiResource& resource,
                     const std::string& uid,
                     const std::string& version) {
    return {resource,
            R"({"metadata":{"name":"a","uid":")" + uid + R"(","resourceVersion":")" + version +
                R"("}})"};
}

}  // namespace

TEST_CASE("a mark stands for uid, version and how they are shown", "[kind_versions]") {
    const auto pods = make_resource("pods");
    const KindVersions versions("v1.36.0", {});
    const auto mark = versions.mark_of(pods, object(pods, "u", "5"));
    CHECK(mark != 0);
    CHECK(versions.mark_of(pods, object(pods, "u", "5")) == mark);
    CHECK(versions.mark_of(pods, object(pods, "u", "6")) != mark);
    CHECK(versions.mark_of(pods, object(pods, "v", "5")) != mark);
    CHECK(KindVersions("v1.37.0", {}).mark_of(pods, object(pods, "u", "5")) != mark);
    auto newer = pods;
    newer.version = "v2";
    CHECK(versions.mark_of(newer, object(newer, "u", "5")) != mark);
}

TEST_CASE("where nothing is proved there is no mark", "[kind_versions]") {
    const auto pods = make_resource("pods");
    CHECK(KindVersions("v1.36.0", {}).mark_of(pods, object(pods, "", "5")) == 0);
    CHECK(KindVersions("v1.36.0", {}).mark_of(pods, object(pods, "u", "")) == 0);
    CHECK(KindVersions().mark_of(pods, object(pods, "u", "5")) == 0);
}

TEST_CASE("custom kinds count by their definition", "[kind_versions]") {
    const auto carts = make_resource("carts.example.com");
    const auto cart = object(carts, "u", "5");
    CHECK(KindVersions("v1.36.0", {}).mark_of(carts, cart) == 0);
    CHECK_FALSE(KindVersions("v1.36.0", {}).shares_storage(carts));
    const KindVersions first("v1.36.0", {{"carts.example.com", "1"}});
    const KindVersions second("v1.36.0", {{"carts.example.com", "2"}});
    CHECK(first.shares_storage(carts));
    CHECK(first.mark_of(carts, cart) != 0);
    CHECK(first.mark_of(carts, cart) != second.mark_of(carts, cart));
}

TEST_CASE("events may lie elsewhere", "[kind_versions]") {
    const KindVersions versions("v1.36.0", {});
    CHECK_FALSE(versions.shares_storage(make_resource("events.events.k8s.io")));
    CHECK_FALSE(versions.shares_storage(make_resource("events")));
    CHECK(versions.shares_storage(make_resource("secrets")));
    CHECK(versions.shares_storage(make_resource("deployments.apps")));
}
