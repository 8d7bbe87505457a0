// SPDX-License-Identifier: Apache-2.0
#include "core/capture/object_lister.hpp"

#include "tests/support/capture_scene.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>

using namespace backup;
using namespace backup::capture;
using backup::testing::CaptureScene;
using model::Outcome;

namespace {

using Lines = std::vector<std::string>;

std::string version(int uid, int version) {
    return concat(R"("uid":"u-)", uid, R"(","resourceVersion":")", version, '"');
}

void add_settings(CaptureScene& scene, int number, int its_version) {
    scene.server.add("configmaps",
                     "shop",
                     concat("c-", 1'000 + number),
                     version(number, its_version),
                     concat(R"("data":{"text":")", std::string(600, 'x'), its_version, R"("})"));
}

void add_settings(CaptureScene& scene, int count) {
    for (int i = 0; i < count; ++i) {
        add_settings(scene, i, 5);
    }
}

/// What was listed of a kind since `from` lists had been asked for.
Lines lists_of(const CaptureScene& scene, std::string_view resource, std::size_t from = 0) {
    Lines lines;
    const auto all = scene.server.lists();
    for (auto line = all.begin() + static_cast<std::ptrdiff_t>(from); line != all.end(); ++line) {
        if (line->starts_with(concat(resource, " "))) {
            lines.push_back(*line);
        }
    }
    return lines;
}

model::ListRecord record_of(const CreatedPoint& created,
                            std::string_view resource,
                            Outcome outcome = Outcome::Protected) {
    for (const auto& list : created.ledger.lists) {
        if (list.resource == resource && list.scope == "shop" && list.outcome == outcome) {
            return list;
        }
    }
    return {};
}

/// Two backups; what of the kind was listed for the second one, and that both hold the same bytes.
struct Twice {
    explicit Twice(CaptureScene& scene, const std::function<void()>& change = {}) {
        scene.create(scene.flags_for_shop());
        if (change) {
            change();
        }
        from = scene.server.lists().size();
        second = scene.create(scene.flags_for_shop());
        files = scene.files_of(second);
    }

    std::string text(const std::string& path) const {
        const auto found = files.find("objects/namespaces/shop/" + path);
        return found == files.end() ? "(missing)" : std::string(as_text(found->second));
    }

    std::size_t from = 0;
    CreatedPoint second;
    testing::Files files;
};

}  // namespace

TEST_CASE("what did not change is not fetched again", "[lister]") {
    CaptureScene scene;
    add_settings(scene, 150);
    const Twice twice(scene);
    CHECK(lists_of(scene, "configmaps", twice.from) == Lines{"configmaps shop metadata at 7"});
    const auto record = record_of(twice.second, "configmaps");
    CHECK(record.count == 150);
    CHECK(record.unchanged == 150);
    CHECK(record.resource_version == "7");
    CHECK(twice.second.record.point.status == model::PointStatus::Complete);
    CaptureScene other;
    add_settings(other, 150);
    CHECK(other.files_of(other.create(other.flags_for_shop())) == twice.files);
}

TEST_CASE("an object that changed is fetched alone", "[lister]") {
    CaptureScene scene;
    add_settings(scene, 150);
    const Twice twice(scene, [&] { add_settings(scene, 3, 6); });
    CHECK(lists_of(scene, "configmaps", twice.from) ==
          Lines{"configmaps shop metadata at 7", "configmaps shop at 7 name=c-1003"});
    CHECK(record_of(twice.second, "configmaps").count == 150);
    CHECK(record_of(twice.second, "configmaps").unchanged == 149);
    CHECK_THAT(twice.text("configmaps/c-1003"), testing::contains("xxx6"));
    CHECK_THAT(twice.text("configmaps/c-1004"), testing::contains("xxx5"));
}

TEST_CASE("a page with many changes is fetched whole", "[lister]") {
    CaptureScene scene;
    add_settings(scene, 600);
    const Twice twice(scene, [&] {
        for (int i = 0; i < 20; ++i) {
            add_settings(scene, i, 6);
        }
    });
    CHECK(lists_of(scene, "configmaps", twice.from) == Lines{"configmaps shop metadata at 7",
                                                             "configmaps shop at 7",
                                                             "configmaps shop metadata next"});
    CHECK(record_of(twice.second, "configmaps").count == 600);
    CHECK(record_of(twice.second, "configmaps").unchanged == 100);
    CHECK_THAT(twice.text("configmaps/c-1019"), testing::contains("xxx6"));
}

TEST_CASE("objects that came and went are noticed", "[lister]") {
    CaptureScene scene;
    add_settings(scene, 150);
    const Twice twice(scene, [&] {
        scene.server.remove("configmaps", "shop", "c-1007");
        scene.server.add("configmaps", "shop", "new", version(900, 6));
    });
    CHECK(record_of(twice.second, "configmaps").count == 150);
    CHECK(twice.text("configmaps/c-1007") == "(missing)");
    CHECK(twice.text("configmaps/new") != "(missing)");
}

TEST_CASE("the same name with another uid is another object", "[lister]") {
    CaptureScene scene;
    add_settings(scene, 150);
    const Twice twice(scene, [&] {
        scene.server.add(
            "configmaps", "shop", "c-1001", version(901, 5), R"("data":{"is":"another"})");
    });
    CHECK_THAT(twice.text("configmaps/c-1001"), testing::contains("another"));
}

TEST_CASE("an object that is deleted before it is fetched is in the ledger", "[lister]") {
    CaptureScene scene;
    add_settings(scene, 150);
    const Twice twice(scene, [&] {
        add_settings(scene, 3, 6);
        scene.server.on_list([&](const std::string& line) {
            if (line == "configmaps shop at 7 name=c-1003") {
                scene.server.remove("configmaps", "shop", "c-1003");
            }
        });
    });
    CHECK(record_of(twice.second, "configmaps").count == 149);
    const auto gone = record_of(twice.second, "configmaps", Outcome::Skipped);
    CHECK(gone.reason == model::SkipReason::DeletedMeanwhile);
    CHECK(gone.count == 1);
    CHECK_THAT(gone.message, testing::contains("c-1003"));
}

TEST_CASE("objects without a version are fetched each time", "[lister]") {
    CaptureScene scene;
    scene.server.add("configmaps", "shop", "plain", "", R"("data":{"a":"b"})");
    const Twice twice(scene);
    CHECK(record_of(twice.second, "configmaps").unchanged == 0);
    CHECK_THAT(twice.text("configmaps/plain"), testing::contains("data"));
}

TEST_CASE("a cluster that went back in time is fetched whole", "[lister]") {
    CaptureScene scene;
    add_settings(scene, 150);
    const Twice twice(scene, [&] { scene.server.set_version(6); });
    CHECK(lists_of(scene, "configmaps", twice.from) == Lines{"configmaps shop at 6"});
    CHECK(record_of(twice.second, "configmaps").unchanged == 0);
}

TEST_CASE("where metadata lists are not to be had, objects come whole", "[lister]") {
    CaptureScene scene;
    scene.server.refuse_metadata();
    add_settings(scene, 150);
    const Twice twice(scene);
    CHECK(record_of(twice.second, "configmaps").count == 150);
    CHECK(record_of(twice.second, "configmaps").unchanged == 0);
}

TEST_CASE("a damaged previous point costs time, not the backup", "[lister]") {
    CaptureScene scene;
    add_settings(scene, 150);
    const Twice twice(scene, [&] {
        std::vector<std::string> names;
        scene.backend.blobs().list("packs", [&](const auto& blob) { names.push_back(blob.name); });
        for (const auto& name : names) {
            scene.backend.blobs().remove(name);
        }
    });
    CHECK(record_of(twice.second, "configmaps").count == 150);
    CHECK(record_of(twice.second, "configmaps").unchanged == 0);
    CHECK_THAT(twice.text("configmaps/c-1003"), testing::contains("xxx5"));
}

TEST_CASE("kinds that are looked into are read from the previous point", "[lister]") {
    CaptureScene scene;
    scene.server.add("persistentvolumeclaims",
                     "shop",
                     "data",
                     version(1, 5),
                     R"("status":{"phase":"Pending"},"spec":{"storageClassName":"fast"})");
    scene.server.add("storageclasses.storage.k8s.io", "", "fast");
    scene.server.add(
        "services", "shop", "web", version(2, 5), R"("spec":{"selector":{"app":"web"}})");
    scene.server.add("endpoints", "shop", "web", version(3, 5));
    const Twice twice(scene);
    CHECK(lists_of(scene, "persistentvolumeclaims", twice.from) ==
          Lines{"persistentvolumeclaims shop metadata at 7"});
    CHECK(record_of(twice.second, "persistentvolumeclaims").unchanged == 1);
    REQUIRE(twice.second.ledger.volumes.size() == 1);
    CHECK(twice.second.ledger.volumes[0].reason == model::SkipReason::Unbound);
    CHECK(twice.files.contains("objects/cluster/storageclasses.storage.k8s.io/fast"));
    CHECK(twice.text("endpoints/web") == "(missing)");
}

TEST_CASE("custom resources are compared as long as their definition stays", "[lister]") {
    CaptureScene scene;
    scene.server.add_resource("carts.example.com");
    scene.server.add_resource("aggregated.example.org");
    const auto define = [&](int generation) {
        scene.server.add("customresourcedefinitions.apiextensions.k8s.io",
                         "",
                         "carts.example.com",
                         concat(R"("generation":)", generation));
    };
    define(1);
    scene.server.add("carts.example.com", "shop", "one", version(1, 5));
    scene.server.add("aggregated.example.org", "shop", "one", version(2, 5));
    SECTION("the same definition") {
        const Twice twice(scene);
        CHECK(record_of(twice.second, "carts.example.com").unchanged == 1);
        CHECK(record_of(twice.second, "aggregated.example.org").unchanged == 0);
        CHECK(record_of(twice.second, "aggregated.example.org").count == 1);
    }
    SECTION("another definition") {
        const Twice twice(scene, [&] { define(2); });
        CHECK(record_of(twice.second, "carts.example.com").unchanged == 0);
        CHECK(record_of(twice.second, "carts.example.com").count == 1);
    }
    SECTION("a definition that may not be read") {
        const Twice twice(scene, [&] { scene.server.refuse("list customresourcedefinitions"); });
        CHECK(record_of(twice.second, "carts.example.com").unchanged == 0);
        CHECK(record_of(twice.second, "carts.example.com").count == 1);
    }
}

TEST_CASE("namespaces that are not asked for cost no fetch", "[lister]") {
    CaptureScene scene;
    add_settings(scene, 150);
    for (int i = 0; i < 50; ++i) {
        scene.server.add("configmaps", "kube-system", concat("a-", i), version(2'000 + i, 5));
    }
    ScopeFlags flags;
    flags.all_namespaces = true;
    scene.create(flags);
    const auto from = scene.server.lists().size();
    const auto second = scene.create(flags);
    const auto lines = lists_of(scene, "configmaps", from);
    CHECK(lines == Lines{"configmaps metadata at 7"});
    CHECK_FALSE(scene.files_of(second).contains("objects/namespaces/kube-system/configmaps/a-1"));
}
