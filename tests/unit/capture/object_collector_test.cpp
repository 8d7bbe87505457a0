// SPDX-License-Identifier: Apache-2.0
#include "core/capture/object_collector.hpp"

#include "tests/support/capture_scene.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <atomic>
#include <set>

using namespace backup;
using namespace backup::capture;
using backup::testing::CaptureScene;
using model::Outcome;
using model::PointStatus;

namespace {

std::set<std::string> versions_of(const CreatedPoint& created) {
    std::set<std::string> versions;
    for (const auto& list : created.ledger.lists) {
        if (list.outcome == Outcome::Protected) {
            versions.insert(list.resource_version);
        }
    }
    return versions;
}

bool was_listed(const CaptureScene& scene, std::string_view line) {
    const auto lines = scene.server.lists();
    return std::find(lines.begin(), lines.end(), line) != lines.end();
}

void add_settings(CaptureScene& scene, int count) {
    for (int i = 0; i < count; ++i) {
        scene.server.add("configmaps", "shop", concat("c-", i));
    }
}

}  // namespace

TEST_CASE("all lists are of one moment", "[collector]") {
    CaptureScene scene;
    // Time goes on while the lists are read.
    std::atomic<int> listed = 0;
    scene.server.on_list([&](const std::string&) {
        if (listed++ == 1) {
            scene.server.set_version(8);
        }
    });
    const auto created = scene.create(scene.flags_for_shop());
    REQUIRE(listed > 2);
    CHECK(versions_of(created) == std::set<std::string>{"7"});
    CHECK(was_listed(scene, "secrets shop at 7"));
    CHECK(was_listed(scene, "services shop at 7"));
}

TEST_CASE("what others need is of the same moment", "[collector]") {
    CaptureScene scene;
    scene.server.add("pods",
                     "shop",
                     "web",
                     R"("annotations":{"kubectl-backup/include":"true"})",
                     R"("spec":{"volumes":[{"secret":{"secretName":"cert"}}]})");
    scene.server.add("secrets", "shop", "cert");
    // Time goes on as soon as there is a moment.
    scene.server.on_list([&](const std::string& line) {
        if (line.ends_with(" at 7")) {
            scene.server.set_version(8);
        }
    });
    auto flags = scene.flags_for_shop();
    SECTION("in namespaces by name") {}
    SECTION("in all namespaces") {
        flags.namespaces.clear();
        flags.all_namespaces = true;
    }
    flags.annotated = true;
    SECTION("which is compacted away meanwhile") {
        scene.server.on_list([&](const std::string& line) {
            if (line == "secrets shop at 7 name=cert") {
                scene.server.set_version(8);
                scene.server.compact(8);
            }
        });
        const auto created = scene.create(flags);
        CHECK(versions_of(created) == std::set<std::string>{"7", "8"});
        CHECK(was_listed(scene, "secrets shop name=cert"));
        CHECK(scene.files_of(created).contains("objects/namespaces/shop/secrets/cert"));
        return;
    }
    const auto created = scene.create(flags);
    CHECK(versions_of(created) == std::set<std::string>{"7"});
    CHECK(was_listed(scene, "secrets shop at 7 name=cert"));
    CHECK(scene.files_of(created).contains("objects/namespaces/shop/secrets/cert"));
}

TEST_CASE("a narrow scope compares with the previous point what has no ties", "[collector]") {
    CaptureScene scene;
    const auto versioned = [](std::string_view uid, int version) {
        return concat(R"("uid":")", uid, R"(","resourceVersion":")", version, R"(",)") +
               R"("labels":{"app":"web"})";
    };
    scene.server.add("configmaps", "shop", "a", versioned("a", 3));
    scene.server.add("configmaps", "shop", "b", versioned("b", 4));
    scene.server.add("configmaps", "shop", "other", R"("uid":"o","resourceVersion":"5")");
    scene.server.add("pods", "shop", "web", versioned("web", 5), R"("spec":{})");
    auto flags = scene.flags_for_shop();
    SECTION("by label") {
        flags.selectors = {"app=web"};
    }
    SECTION("by one of two labels") {
        flags.selectors = {"app=web", "app=db"};
    }
    const auto first = scene.create(flags);
    scene.server.set_version(8);
    scene.server.add("configmaps", "shop", "b", versioned("b", 8));
    const auto second = scene.create(flags);
    CHECK(was_listed(scene, "configmaps shop metadata at 8"));
    CHECK_FALSE(was_listed(scene, "pods shop metadata at 8"));
    const auto& lists = second.ledger.lists;
    const auto list = std::find_if(lists.begin(), lists.end(), [](const auto& record) {
        return record.resource == "configmaps" && record.outcome == Outcome::Protected;
    });
    REQUIRE(list != lists.end());
    CHECK(list->count == 2);
    CHECK(list->unchanged == 1);
    auto files = scene.files_of(second);
    CHECK(as_text(files["objects/namespaces/shop/configmaps/b"]).find("\"8\"") !=
          std::string::npos);
    CHECK_FALSE(files.contains("objects/namespaces/shop/configmaps/other"));
}

TEST_CASE("who may not list what others need gets it as it is", "[collector]") {
    CaptureScene scene;
    scene.server.add("pods",
                     "shop",
                     "web",
                     R"("annotations":{"kubectl-backup/include":"true"})",
                     R"("spec":{"volumes":[{"secret":{"secretName":"cert"}},)"
                     R"({"secret":{"secretName":"key"}},{"secret":{"secretName":"gone"}}]})");
    scene.server.add("secrets", "shop", "cert");
    scene.server.add("secrets", "shop", "key");
    scene.server.refuse("list secrets shop");
    auto flags = scene.flags_for_shop();
    flags.annotated = true;
    const auto created = scene.create(flags);
    const auto& lists = created.ledger.lists;
    const auto read = std::find_if(lists.begin(), lists.end(), [](const auto& list) {
        return list.resource == "secrets" && list.outcome == Outcome::Protected;
    });
    REQUIRE(read != lists.end());
    CHECK(read->count == 2);
    CHECK(read->resource_version.empty());
    CHECK(read->message.find("later than the lists") != std::string::npos);
}

TEST_CASE("kinds of another server have moments of their own", "[collector]") {
    CaptureScene scene;
    scene.server.add_resource("aggregated.example.org");
    scene.server.add("aggregated.example.org", "shop", "one");
    const auto created = scene.create(scene.flags_for_shop());
    CHECK(was_listed(scene, "aggregated.example.org shop"));
    CHECK_FALSE(was_listed(scene, "aggregated.example.org shop at 7"));
    CHECK(created.record.point.status == PointStatus::Complete);
}

TEST_CASE("a built-in kind that lies in another storage is listed as it is now", "[collector]") {
    CaptureScene scene;
    scene.server.keep_apart("deployments.apps");
    scene.server.add("deployments.apps", "shop", "web");
    const auto created = scene.create(scene.flags_for_shop());
    CHECK(was_listed(scene, "deployments.apps shop at 7"));
    CHECK(was_listed(scene, "deployments.apps shop"));
    CHECK(created.record.point.status == PointStatus::Complete);
    CHECK(scene.files_of(created).contains("objects/namespaces/shop/deployments.apps/web"));
}

TEST_CASE("when the moment is compacted away a new one begins", "[collector]") {
    CaptureScene scene;
    add_settings(scene, 3);
    scene.server.on_list([&](const std::string& line) {
        if (line == "pods shop at 7") {
            scene.server.set_version(9);
            scene.server.compact(9);
        }
    });
    const auto created = scene.create(scene.flags_for_shop());
    const auto versions = versions_of(created);
    CHECK(versions.contains("9"));
    CHECK(std::all_of(versions.begin(), versions.end(), [](const auto& version) {
        return version == "7" || version == "9";
    }));
    CHECK(was_listed(scene, "secrets shop at 9"));
    CHECK(created.record.point.status == PointStatus::Complete);
    CHECK(created.record.point.statistics.objects == 5);
}

TEST_CASE("a list at the moment that expires half-way is begun again", "[collector]") {
    CaptureScene scene;
    add_settings(scene, 1'200);
    std::atomic<bool> is_first = true;
    scene.server.on_list([&](const std::string& line) {
        if (line == "configmaps shop next" && is_first.exchange(false)) {
            scene.server.set_version(9);
            scene.server.compact(9);
            scene.server.expire_tokens(1);
        }
    });
    const auto created = scene.create(scene.flags_for_shop());
    CHECK(created.record.point.status == PointStatus::Complete);
    CHECK(created.record.point.statistics.objects == 1'202);
}

TEST_CASE("a person without the first rights finds the moment by others", "[collector]") {
    CaptureScene scene;
    scene.server.refuse("list services shop");
    scene.create(scene.flags_for_shop());
    CHECK(was_listed(scene, "secrets shop at 7"));
}

TEST_CASE("slow lists come in smaller pages", "[collector]") {
    CaptureScene scene;
    add_settings(scene, 130);
    scene.server.slow_down("configmaps", 25);
    const auto created = scene.create(scene.flags_for_shop());
    CHECK(created.record.point.status == PointStatus::Complete);
    CHECK(created.record.point.statistics.objects == 132);
}

TEST_CASE("a storm of refusals is waited out", "[collector]") {
    CaptureScene scene;
    add_settings(scene, 10);
    scene.throttled_retries = 10;
    scene.server.throttle(6);
    const auto created = scene.create(scene.flags_for_shop());
    CHECK(created.record.point.status == PointStatus::Complete);
    CHECK(created.record.point.statistics.objects == 12);
}

TEST_CASE("an aggregated API that fails when it is listed is named", "[collector]") {
    CaptureScene scene;
    scene.server.add_resource("orders.example.org");
    scene.server.refuse("list orders.example.org", 503);
    const auto created = scene.create(scene.flags_for_shop());
    CHECK(created.record.point.status == PointStatus::Incomplete);
    const auto& lists = created.ledger.lists;
    CHECK(std::any_of(lists.begin(), lists.end(), [](const auto& list) {
        return list.resource == "orders.example.org" && list.outcome == Outcome::Failed;
    }));
}
