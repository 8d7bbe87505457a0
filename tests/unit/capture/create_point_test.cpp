// SPDX-License-Identifier: Apache-2.0
#include "core/capture/create_point.hpp"

#include "tests/support/capture_scene.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

#include <algorithm>

using namespace backup;
using namespace backup::capture;
using backup::testing::CaptureScene;
using backup::testing::contains;
using backup::testing::error_of;
using backup::testing::Files;
using model::Outcome;
using model::PointStatus;

namespace {

std::string text_at(const Files& files, const std::string& path) {
    const auto found = files.find(path);
    return found == files.end() ? "(missing)" : std::string(as_text(found->second));
}

const model::ListRecord* find_list(const model::Ledger& ledger,
                                   std::string_view resource,
                                   std::string_view scope,
                                   Outcome outcome) {
    const auto found =
        std::find_if(ledger.lists.begin(), ledger.lists.end(), [&](const auto& list) {
            return list.resource == resource && list.scope == scope && list.outcome == outcome;
        });
    return found == ledger.lists.end() ? nullptr : &*found;
}

}  // namespace

TEST_CASE("objects are stored byte by byte as the server gave them", "[create]") {
    CaptureScene scene;
    const std::string odd =
        "{ \"metadata\":{\"name\":\"odd\",\"namespace\":\"shop\"},\t\"data\": {\"n\":\"1.0\"} , "
        "\"n\":1.00e+01 }";
    const std::string large = concat(R"({"metadata":{"name":"large","namespace":"shop"},"data":")",
                                     std::string(60'000, 'x'),
                                     R"("})");
    scene.server.add("configmaps", odd);
    scene.server.add("configmaps", large);
    const auto created = scene.create(scene.flags_for_shop());
    CHECK(created.record.point.status == PointStatus::Complete);
    const auto files = scene.files_of(created);
    CHECK(text_at(files, "objects/namespaces/shop/configmaps/odd") == odd);
    CHECK(text_at(files, "objects/namespaces/shop/configmaps/large") == large);
    CHECK_THAT(text_at(files, "extra/resources.json"),
               contains(R"({"group":"apps","version":"v1","kind":"Deployment",)"
                        R"("plural":"deployments","singular":"deployment","shortNames":[],)"
                        R"("namespaced":true,"verbs":["create","delete","get","list"]})"));
}

TEST_CASE("a point says what it is of", "[create]") {
    CaptureScene scene;
    const auto point = scene.create(scene.flags_for_shop()).record.point;
    CHECK(point.cluster.uid == "cluster-1");
    CHECK(point.cluster.server == "https://kube");
    CHECK(point.cluster.version == "v1.36.0");
    CHECK(point.namespaces == std::vector<std::string>{"shop"});
    CHECK(point.statistics.objects == 2);
    CHECK(point.previous.empty());
    CHECK_FALSE(point.id.empty());
}

TEST_CASE("the objects that the namespace needs come along", "[create]") {
    CaptureScene scene;
    scene.server.add_resource("carts.example.com");
    scene.server.add("carts.example.com", "shop", "one");
    scene.server.add("customresourcedefinitions.apiextensions.k8s.io", "", "carts.example.com");
    scene.server.add("customresourcedefinitions.apiextensions.k8s.io", "", "others.example.com");
    scene.server.add("persistentvolumeclaims",
                     "shop",
                     "data",
                     "",
                     R"("spec":{"volumeName":"pv-1","storageClassName":"fast"})");
    scene.server.add("persistentvolumes", "", "pv-1", "", R"("spec":{"storageClassName":"slow"})");
    scene.server.add("persistentvolumes", "", "pv-2");
    scene.server.add("storageclasses.storage.k8s.io", "", "fast");
    scene.server.add("storageclasses.storage.k8s.io", "", "slow");
    scene.server.add("clusterrolebindings.rbac.authorization.k8s.io",
                     "",
                     "shop-view",
                     "",
                     R"("roleRef":{"kind":"ClusterRole","name":"view"},"subjects":[)"
                     R"({"kind":"ServiceAccount","namespace":"shop","name":"default"}])");
    scene.server.add("clusterrolebindings.rbac.authorization.k8s.io", "", "other");
    scene.server.add("clusterroles.rbac.authorization.k8s.io", "", "view");
    scene.server.add("clusterroles.rbac.authorization.k8s.io", "", "edit");
    const auto files = scene.files_of(scene.create(scene.flags_for_shop()));
    std::string cluster;
    for (const auto& [path, bytes] : files) {
        if (path.starts_with("objects/cluster/")) {
            cluster += path.substr(16) + "\n";
        }
    }
    CHECK(cluster ==
          "clusterrolebindings.rbac.authorization.k8s.io/shop-view\n"
          "clusterroles.rbac.authorization.k8s.io/view\n"
          "customresourcedefinitions.apiextensions.k8s.io/carts.example.com\n"
          "namespaces/shop\n"
          "persistentvolumes/pv-1\n"
          "storageclasses.storage.k8s.io/fast\n"
          "storageclasses.storage.k8s.io/slow\n");
}

TEST_CASE("one list that is refused makes the point Incomplete, and the others go on", "[create]") {
    CaptureScene scene;
    scene.server.add("configmaps", "shop", "settings");
    scene.server.refuse("list secrets shop");
    const auto created = scene.create(scene.flags_for_shop());
    CHECK(created.record.point.status == PointStatus::Incomplete);
    const auto* list = find_list(created.ledger, "secrets", "shop", Outcome::Failed);
    REQUIRE(list != nullptr);
    CHECK_THAT(list->message, contains("list") && contains("secrets"));
    CHECK(scene.files_of(created).contains("objects/namespaces/shop/configmaps/settings"));
}

TEST_CASE("a point of which nothing may be listed is not made", "[create]") {
    CaptureScene scene;
    scene.server.refuse("list");
    CHECK(error_of([&] { return scene.create(scene.flags_for_shop()); }).code() ==
          ErrorCode::Forbidden);
    CHECK(scene.count_points() == 0);
}

TEST_CASE("a namespace that does not exist is an error with a suggestion", "[create]") {
    CaptureScene scene;
    auto flags = scene.flags_for_shop();
    flags.namespaces = {"shpo"};
    const auto error = error_of([&] { return scene.create(flags); });
    CHECK(error.code() == ErrorCode::KubeNotFound);
    CHECK(std::string(error.hint()) == "did you mean 'shop'?");
    CHECK(scene.count_points() == 0);
}

TEST_CASE("a kind that does not exist is an error with a suggestion", "[create]") {
    CaptureScene scene;
    auto flags = scene.flags_for_shop();
    flags.exclude_resources = {"secrest"};
    const auto error = error_of([&] { return scene.create(flags); });
    CHECK(error.code() == ErrorCode::InvalidArgument);
    CHECK(std::string(error.hint()) == "did you mean 'secrets'?");
}

TEST_CASE("the rights of one namespace are enough", "[create]") {
    CaptureScene scene;
    scene.server.add(
        "persistentvolumeclaims", "shop", "data", "", R"("spec":{"storageClassName":"fast"})");
    for (const auto* what : {"get namespaces",
                             "list namespaces",
                             "get storageclasses",
                             "list storageclasses",
                             "list clusterrolebindings",
                             "list apiservices"}) {
        scene.server.refuse(what);
    }
    const auto created = scene.create(scene.flags_for_shop());
    CHECK(created.record.point.status == PointStatus::Warnings);
    CHECK(created.record.point.cluster.uid.empty());
    CHECK(created.ledger.problems.empty());
    CHECK(created.ledger.warnings.size() == 4);
}

TEST_CASE("where lists over the whole cluster are refused each namespace is asked", "[create]") {
    CaptureScene scene;
    scene.server.add_namespace("data");
    scene.server.add("configmaps", "shop", "a");
    scene.server.add("configmaps", "data", "b");
    ScopeFlags flags;
    flags.all_namespaces = true;
    SECTION("allowed") {
        const auto created = scene.create(flags);
        const auto* list = find_list(created.ledger, "configmaps", "*", Outcome::Protected);
        REQUIRE(list != nullptr);
        CHECK(list->count == 2);
    }
    SECTION("refused") {
        scene.server.refuse("list configmaps ", 403);
        for (const auto* ns : {"shop", "data", "default"}) {
            scene.server.add("configmaps", ns, "c");
        }
        const auto created = scene.create(flags);
        CHECK(find_list(created.ledger, "configmaps", "shop", Outcome::Failed) != nullptr);
        CHECK(find_list(created.ledger, "configmaps", "data", Outcome::Failed) != nullptr);
    }
}

TEST_CASE("all namespaces are those that are not the control plane's", "[create]") {
    CaptureScene scene;
    scene.server.add("configmaps", "kube-system", "internal");
    scene.server.add("configmaps", "shop", "settings");
    scene.server.add("storageclasses.storage.k8s.io", "", "fast");
    ScopeFlags flags;
    flags.all_namespaces = true;
    const auto created = scene.create(flags);
    CHECK(created.record.point.namespaces == std::vector<std::string>{"default", "shop"});
    const auto files = scene.files_of(created);
    CHECK(files.contains("objects/namespaces/shop/configmaps/settings"));
    CHECK(files.contains("objects/cluster/storageclasses.storage.k8s.io/fast"));
    CHECK_FALSE(files.contains("objects/namespaces/kube-system/configmaps/internal"));
    CHECK(find_list(created.ledger, "namespaces", "kube-system", Outcome::Skipped) != nullptr);
}

TEST_CASE("what is left out is in the ledger with its reason", "[create]") {
    CaptureScene scene;
    scene.server.add(
        "configmaps", "shop", "marked", R"("annotations":{"kubectl-backup/exclude":"true"})");
    scene.server.add("configmaps", "shop", "kube-root-ca.crt");
    scene.server.add(
        "configmaps", "shop", "going", R"("deletionTimestamp":"2026-11-20T10:00:00Z")");
    scene.server.add("services", "shop", "web", "", R"("spec":{"selector":{"app":"web"}})");
    scene.server.add("services", "shop", "outside", "", R"("spec":{})");
    scene.server.add("endpoints", "shop", "web");
    scene.server.add("endpoints", "shop", "outside");
    const auto created = scene.create(scene.flags_for_shop());
    CHECK(created.record.point.status == PointStatus::Complete);
    std::string skipped;
    for (const auto& list : created.ledger.lists) {
        if (list.outcome == Outcome::Skipped && list.scope == "shop") {
            skipped +=
                concat(list.resource, " ", model::to_text(list.reason), " ", list.message, "\n");
        }
    }
    CHECK(skipped ==
          "configmaps NeverStored made by each cluster for itself: kube-root-ca.crt\n"
          "configmaps ExcludedByMark kubectl-backup/exclude: marked\n"
          "configmaps Terminating going\n"
          "endpoints NeverStored made again by a controller: web\n");
    CHECK(scene.files_of(created).contains("objects/namespaces/shop/endpoints/outside"));
    CHECK(find_list(created.ledger, "events.events.k8s.io", "", Outcome::Skipped) != nullptr);
}

TEST_CASE("selected objects bring what they need", "[create]") {
    CaptureScene scene;
    scene.server.add("deployments.apps",
                     "shop",
                     "web",
                     R"("labels":{"app":"web"})",
                     R"("spec":{"template":{"spec":{"volumes":[{"configMap":{"name":"settings"}}],)"
                     R"("imagePullSecrets":[{"name":"missing"}]}}})");
    scene.server.add("deployments.apps", "shop", "db", R"("labels":{"app":"db"})");
    scene.server.add("configmaps", "shop", "settings");
    scene.server.add("configmaps", "shop", "unused");
    auto flags = scene.flags_for_shop();
    flags.selectors = {"app=web"};
    const auto files = scene.files_of(scene.create(flags));
    std::string paths;
    for (const auto& [path, bytes] : files) {
        paths += path + "\n";
    }
    CHECK(paths ==
          "extra/resources.json\n"
          "extra/rules.json\n"
          "extra/rules/shop.json\n"
          "objects/cluster/namespaces/shop\n"
          "objects/namespaces/shop/configmaps/settings\n"
          "objects/namespaces/shop/deployments.apps/web\n"
          "objects/namespaces/shop/serviceaccounts/default\n");
}

TEST_CASE("annotated objects are found wherever they are", "[create]") {
    CaptureScene scene;
    scene.server.add_namespace("data");
    scene.server.add(
        "configmaps", "data", "a", R"("annotations":{"kubectl-backup/include":"true"})");
    ScopeFlags flags;
    flags.all_namespaces = true;
    flags.annotated = true;
    const auto created = scene.create(flags);
    CHECK(created.record.point.namespaces == std::vector<std::string>{"data"});
    CHECK(created.record.point.statistics.objects == 2);
}

TEST_CASE("a list that expires is begun again, and at last goes on with what is new", "[create]") {
    CaptureScene scene;
    for (int i = 0; i < 1'200; ++i) {
        scene.server.add("configmaps", "shop", concat("c-", i));
    }
    SECTION("once") {
        scene.server.expire_tokens(1);
        const auto created = scene.create(scene.flags_for_shop());
        CHECK(created.record.point.status == PointStatus::Complete);
        CHECK(created.record.point.statistics.objects == 1'202);
    }
    SECTION("again and again") {
        scene.server.expire_tokens(4);
        const auto created = scene.create(scene.flags_for_shop());
        CHECK(created.record.point.status == PointStatus::Warnings);
        CHECK(created.record.point.statistics.objects == 1'202);
        const auto* list = find_list(created.ledger, "configmaps", "shop", Outcome::Protected);
        REQUIRE(list != nullptr);
        CHECK_FALSE(list->is_consistent);
    }
}

TEST_CASE("a group whose server is down makes the point Incomplete", "[create]") {
    CaptureScene scene;
    scene.server.break_group("metrics.k8s.io");
    SECTION("but for metrics") {
        const auto created = scene.create(scene.flags_for_shop());
        CHECK(created.record.point.status == PointStatus::Complete);
        CHECK(find_list(created.ledger, "*.metrics.k8s.io", "", Outcome::Skipped) != nullptr);
    }
    SECTION("any other") {
        scene.server.break_group("example.com");
        const auto created = scene.create(scene.flags_for_shop());
        CHECK(created.record.point.status == PointStatus::Incomplete);
        REQUIRE(created.ledger.problems.size() == 1);
        CHECK_THAT(created.ledger.problems[0].subject, contains("example.com"));
    }
    SECTION("unless it is excluded") {
        scene.server.break_group("example.com");
        auto flags = scene.flags_for_shop();
        flags.exclude_resources = {"example.com"};
        CHECK(scene.create(flags).record.point.status == PointStatus::Complete);
    }
}

TEST_CASE("a group that is down matters only to what was asked for", "[create]") {
    CaptureScene scene;
    scene.server.break_group("example.com");
    auto flags = scene.flags_for_shop();
    SECTION("kinds of other groups") {
        flags.include_resources = {"secrets", "deployments.apps", "core"};
        const auto created = scene.create(flags);
        CHECK(created.record.point.status == PointStatus::Complete);
        CHECK(created.ledger.problems.empty());
    }
    SECTION("the group, a kind of it, a pattern, a kind that nobody knows") {
        flags.include_resources = {
            GENERATE("example.com", "carts.example.com", "*.example.com", "*", "carts")};
        CHECK(scene.create(flags).record.point.status == PointStatus::Incomplete);
    }
}

TEST_CASE("an excluded namespace is out, also when it may not be read", "[create]") {
    CaptureScene scene;
    scene.server.add_namespace("test");
    ScopeFlags flags;
    flags.namespaces = {"shop", "test"};
    flags.exclude_namespaces = {"te*"};
    const bool may_read = GENERATE(true, false);
    if (!may_read) {
        scene.server.refuse("get namespaces");
    }
    const auto created = scene.create(flags);
    CHECK(created.record.point.namespaces == std::vector<std::string>{"shop"});
    CHECK(find_list(created.ledger, "namespaces", "test", Outcome::Skipped) != nullptr);
}

TEST_CASE("a question about volumes or hooks without an answer does not cost the point",
          "[create]") {
    CaptureScene scene;
    scene.server.add(
        "persistentvolumeclaims", "shop", "waits", "", R"("status":{"phase":"Pending"})");
    scene.server.add("configmaps", "shop", "settings");
    const auto status = GENERATE(500, 503, 504, 429);
    CAPTURE(status);
    scene.server.refuse("list storageclasses", status);
    scene.server.refuse("list pods", status);
    const auto created = scene.create(scene.flags_for_shop());
    CHECK(scene.files_of(created).contains("objects/namespaces/shop/configmaps/settings"));
    CHECK(created.record.point.status == PointStatus::Incomplete);
    std::string subjects;
    for (const auto& problem : created.ledger.problems) {
        subjects += problem.subject + "\n";
    }
    CHECK(subjects == "storageclasses.storage.k8s.io\npods in shop\nhooks of pods in shop\n");
}

TEST_CASE("a namespace that carries the label itself is stored without objects", "[create]") {
    CaptureScene scene;
    scene.server.add_namespace("empty", R"("labels":{"team":"red"})");
    scene.server.add_namespace("other", R"("labels":{"team":"blue"})");
    scene.server.add("configmaps", "shop", "a", R"("labels":{"team":"red"})");
    ScopeFlags flags;
    flags.all_namespaces = true;
    flags.selectors = {"team=red"};
    const auto created = scene.create(flags);
    CHECK(created.record.point.namespaces == std::vector<std::string>{"empty", "shop"});
    const auto files = scene.files_of(created);
    CHECK(files.contains("objects/cluster/namespaces/empty"));
    CHECK_FALSE(files.contains("objects/cluster/namespaces/other"));
}

TEST_CASE("an annotated object without a namespace is found in the whole cluster", "[create]") {
    CaptureScene scene;
    constexpr std::string_view kMark = R"("annotations":{"kubectl-backup/include":"true"})";
    scene.server.add("storageclasses.storage.k8s.io", "", "fast", kMark);
    scene.server.add("storageclasses.storage.k8s.io", "", "slow");
    scene.server.add("configmaps", "shop", "a", kMark);
    ScopeFlags flags;
    flags.annotated = true;
    const std::string stored = "objects/cluster/storageclasses.storage.k8s.io/";
    SECTION("with -A") {
        flags.all_namespaces = true;
        const auto files = scene.files_of(scene.create(flags));
        CHECK(files.contains(stored + "fast"));
        CHECK_FALSE(files.contains(stored + "slow"));
    }
    SECTION("but not with a namespace, and not when they are not wanted") {
        flags.namespaces = {"shop"};
        CHECK_FALSE(scene.files_of(scene.create(flags)).contains(stored + "fast"));
        flags.namespaces.clear();
        flags.all_namespaces = true;
        flags.cluster_resources = "none";
        CHECK_FALSE(scene.files_of(scene.create(flags)).contains(stored + "fast"));
    }
}

TEST_CASE("claims whose data is not read say why", "[create]") {
    CaptureScene scene;
    scene.server.add(
        "persistentvolumeclaims", "shop", "bound", "", R"("status":{"phase":"Bound"})");
    scene.server.add("persistentvolumeclaims", "shop", "lost", "", R"("status":{"phase":"Lost"})");
    scene.server.add(
        "persistentvolumeclaims", "shop", "waits", "", R"("status":{"phase":"Pending"})");
    scene.server.add("persistentvolumeclaims",
                     "shop",
                     "manifest",
                     R"("annotations":{"kubectl-backup/data":"skip"})",
                     R"("status":{"phase":"Bound"})");
    scene.server.add("persistentvolumeclaims",
                     "shop",
                     "marked",
                     R"("labels":{"velero.io/exclude-from-backup":"true"})",
                     R"("status":{"phase":"Bound"})");
    auto flags = scene.flags_for_shop();
    std::string expected;
    SECTION("rights are missing") {
        scene.server.refuse("review pods");
        expected =
            "bound Failed Forbidden\nlost Failed LostVolume\nmanifest Skipped ExcludedByMark\n"
            "waits Skipped Unbound\nmarked Skipped ExcludedByMark\n";
    }
    SECTION("no volumes are wanted") {
        flags.volumes = "none";
        expected =
            "bound Skipped ExcludedByUser\nlost Skipped ExcludedByUser\n"
            "manifest Skipped ExcludedByUser\nwaits Skipped ExcludedByUser\n"
            "marked Skipped ExcludedByMark\n";
    }
    const auto created = scene.create(flags);
    std::string volumes;
    for (const auto& volume : created.ledger.volumes) {
        volumes += concat(volume.claim,
                          " ",
                          model::to_text(volume.outcome),
                          " ",
                          model::to_text(volume.reason),
                          "\n");
    }
    CHECK(volumes == expected);
    if (flags.volumes == "auto") {
        CHECK_THAT(created.ledger.volumes[0].message, contains("create pods in namespace shop"));
        CHECK(created.record.point.status == PointStatus::Incomplete);
    }
}

TEST_CASE("an unchanged namespace adds next to nothing", "[create]") {
    CaptureScene scene;
    for (int i = 0; i < 50; ++i) {
        scene.server.add(
            "configmaps",
            "shop",
            concat("c-", i),
            "",
            concat(R"("data":")", std::string(2'000, static_cast<char>('a' + i % 26)), i, R"(")"));
    }
    const auto first = scene.create(scene.flags_for_shop()).record.point;
    const auto second = scene.create(scene.flags_for_shop()).record.point;
    CHECK(first.statistics.new_bytes > 100'000);
    CHECK(second.statistics.objects == first.statistics.objects);
    CHECK(second.statistics.new_bytes < 20'000);
    CHECK(second.previous == first.id);
}

TEST_CASE("what stop was asked for leaves no point", "[create]") {
    CaptureScene scene;
    std::stop_source stop;
    stop.request_stop();
    CHECK(error_of([&] { return scene.create(scene.flags_for_shop(), stop.get_token()); }).code() ==
          ErrorCode::Interrupted);
    CHECK(scene.count_points() == 0);
}

TEST_CASE("a plan says what create does", "[create]") {
    CaptureScene scene;
    scene.server.add("configmaps", "shop", "settings");
    scene.server.add(
        "persistentvolumeclaims", "shop", "bound", "", R"("status":{"phase":"Bound"})");
    scene.server.refuse("list secrets shop");
    auto flags = scene.flags_for_shop();
    const auto plan = scene.plan(flags);
    CHECK(plan.ledger.status() == PointStatus::Incomplete);
    REQUIRE(plan.ledger.volumes.size() == 1);
    CHECK(plan.ledger.volumes[0].method == "live");
    flags.volumes = "none";
    const auto created = scene.create(flags);
    CHECK(plan.objects() == created.record.point.statistics.objects);
    CHECK_THAT(format_json(to_json(plan)),
               contains(R"({"namespace":"shop","resource":"configmaps","objects":1,)"));
    CHECK(scene.count_points() == 1);
}
