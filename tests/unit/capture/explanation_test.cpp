// SPDX-License-Identifier: Apache-2.0
#include "core/capture/explanation.hpp"

#include "core/capture/live_explanation.hpp"
#include "tests/support/capture_scene.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/capture/make_object.hpp"

using namespace backup;
using namespace backup::capture;
using backup::testing::CaptureScene;
using backup::testing::contains;
using backup::testing::error_of;

namespace {

constexpr std::string_view kPodOfWeb =
    R"("spec":{"serviceAccountName":"default","containers":[{"name":"c","envFrom":[)"
    R"({"secretRef":{"name":"door"}}]}]})";

/// A shop with a labelled pod, the secret it needs, and things that are left out.
struct Shop : CaptureScene {
    Shop() {
        server.add("pods", "shop", "web", R"("labels":{"app":"web"})", kPodOfWeb);
        server.add("secrets", "shop", "door");
        server.add("secrets", "shop", "spare");
        server.add(
            "configmaps", "shop", "old", R"("annotations":{"kubectl-backup/exclude":"true"})");
        server.add("configmaps", "shop", "kube-root-ca.crt");
        server.add("persistentvolumeclaims", "shop", "data", "", R"("status":{"phase":"Pending"})");
        server.add("storageclasses.storage.k8s.io", "", "fast");
    }

    ScopeFlags flags_for_web() const {
        auto flags = flags_for_shop();
        flags.selectors = {"app=web"};
        return flags;
    }

    Explanation in_point(const CreatedPoint& created, std::string_view text) {
        const auto repository = testing::open_tiny_repository(backend, key);
        repository::ChunkStore chunks(repository);
        const auto all = explain_in_point(chunks, created.record, parse_object_words(text));
        REQUIRE(all.size() == 1);
        return all.front();
    }

    Explanation live(const ScopeFlags& flags, std::string_view text) {
        kube::Client client(config(), client_options());
        const auto scope = make_scope(flags, "default");
        NullProgress progress;
        return explain_live({client, scope, "default", progress}, parse_object_words(text), {});
    }
};

struct Row {
    std::string_view object;
    std::string_view rule;
    std::string_view message = {};
};

}  // namespace

TEST_CASE("objects are named as people name them", "[explain]") {
    CHECK(parse_object_words("deploy/web") == ObjectWords{"deploy", "", "web"});
    CHECK(parse_object_words("deploy/shop/web") == ObjectWords{"deploy", "shop", "web"});
    for (const auto* const text : {"", "deploy", "deploy/", "/web", "a/b/c/d", "a//c"}) {
        CAPTURE(text);
        CHECK(error_of([&] { return parse_object_words(text); }).code() == ErrorCode::Usage);
    }
}

TEST_CASE("kinds are found by each of their names, not by groups and patterns", "[explain]") {
    auto deployments = testing::make_resource("deployments.apps");
    deployments.short_names = {"deploy"};
    const std::vector<model::ApiResource> resources = {deployments, testing::make_resource("pods")};
    for (const auto* const word : {"deploy", "Deployments", "deployment.apps", "deploy.apps"}) {
        CAPTURE(word);
        const auto found = find_kinds(word, resources);
        REQUIRE(found.size() == 1);
        CHECK(found.front().name() == "deployments.apps");
    }
    for (const auto* const word : {"apps", "core", "*", "deploy*", "deploys"}) {
        CAPTURE(word);
        CHECK(find_kinds(word, resources).empty());
    }
}

TEST_CASE("a point says why each object is in it or not", "[explain]") {
    Shop shop;
    const auto created = shop.create(shop.flags_for_shop());
    const std::vector<Row> rows = {
        {"pod/web", "resource.in"},
        {"secrets/shop/spare", "resource.in"},
        {"configmaps/old", "mark", "kubectl-backup/exclude"},
        {"configmap/kube-root-ca.crt", "kind.default", "made by each cluster for itself"},
        {"configmaps/never-was", "absent"},
        {"namespace/shop", "namespace.object"},
        {"namespaces/default", "namespace.not-selected"},
        {"pods/default/web", "namespace.not-selected"},
        {"storageclasses/fast", "cluster.unrelated"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.object);
        const auto explanation = shop.in_point(created, row.object);
        CHECK(explanation.rule == row.rule);
        CHECK_THAT(explanation.message, contains(std::string(row.message)));
        CHECK(explanation.edges.empty());
    }
}

TEST_CASE("a point says which objects needed one that was not chosen", "[explain]") {
    Shop shop;
    const auto created = shop.create(shop.flags_for_web());
    CHECK(shop.in_point(created, "pod/web").rule == "selector");
    const auto door = shop.in_point(created, "secret/door");
    CHECK(door.verdict == Verdict::Related);
    REQUIRE(door.edges.size() == 1);
    CHECK(format_edge_origin(door.edges.front()) == "pods/shop/web");
    CHECK_FALSE(door.edges.front().why.empty());
    const auto spare = shop.in_point(created, "secret/spare");
    CHECK_FALSE(spare.is_stored());
    CHECK(spare.rule == "selector.label");
    const auto json = format_json(to_json(door));
    CHECK_THAT(json, contains(R"("verdict":"Related","rule":"related")"));
    CHECK_THAT(json, contains(R"("neededBy":[{"from":"pods/shop/web")"));
}

TEST_CASE("the chain of an object without namespace goes on in the namespace", "[explain]") {
    Shop shop;
    shop.server.add("clusterrolebindings.rbac.authorization.k8s.io",
                    "",
                    "shop-view",
                    "",
                    R"("roleRef":{"kind":"ClusterRole","name":"view"},"subjects":[)"
                    R"({"kind":"ServiceAccount","namespace":"shop","name":"default"}])");
    shop.server.add("clusterroles.rbac.authorization.k8s.io", "", "view");
    shop.server.add("persistentvolumeclaims",
                    "shop",
                    "bound",
                    R"("labels":{"app":"web"})",
                    R"("spec":{"storageClassName":"fast"},"status":{"phase":"Pending"})");
    const auto created = shop.create(shop.flags_for_web());
    const auto role = shop.in_point(created, "clusterrole/view");
    CHECK(role.verdict == Verdict::Related);
    CHECK(format_edge_origin(role.edges.front()) ==
          "clusterrolebindings.rbac.authorization.k8s.io/shop-view");
    const auto fast = shop.in_point(created, "storageclasses/fast");
    REQUIRE_FALSE(fast.edges.empty());
    CHECK(format_edge_origin(fast.edges.front()) == "persistentvolumeclaims/shop/bound");
}

TEST_CASE("a claim's explanation has its volume", "[explain]") {
    Shop shop;
    const auto data =
        shop.in_point(shop.create(shop.flags_for_shop()), "persistentvolumeclaims/data");
    REQUIRE(data.volume.has_value());
    CHECK(data.volume->outcome == model::Outcome::Skipped);
    CHECK_THAT(format_json(to_json(data)), contains(R"("reason":"Unbound")"));
    const auto live = shop.live(shop.flags_for_shop(), "persistentvolumeclaims/shop/data");
    REQUIRE(live.volume.has_value());
    CHECK(live.volume->reason == model::SkipReason::Unbound);
}

TEST_CASE("a list that failed explains what is missing", "[explain]") {
    Shop shop;
    shop.server.refuse("list secrets shop");
    const auto created = shop.create(shop.flags_for_shop());
    CHECK(shop.in_point(created, "secret/door").rule == "list.failed");
}

TEST_CASE("a kind nobody knows is an error with a suggestion", "[explain]") {
    Shop shop;
    const auto created = shop.create(shop.flags_for_shop());
    const auto error = error_of([&] { return shop.in_point(created, "secretz/door"); });
    CHECK(error.code() == ErrorCode::InvalidArgument);
    CHECK_THAT(std::string(error.hint()), contains("did you mean 'secrets'"));
    CHECK(error_of([&] { return shop.live(shop.flags_for_shop(), "secretz/door"); }).code() ==
          ErrorCode::InvalidArgument);
}

TEST_CASE("a point without rules says so", "[explain]") {
    const model::RecoveryPoint point = [] {
        model::RecoveryPoint made;
        made.namespaces = {"shop"};
        return made;
    }();
    const model::Ledger ledger;
    CHECK(explain_stored({"pods", "shop", "web"}, {point, ledger, nullptr, true}).rule ==
          "unknown");
    CHECK(explain_stored({"pods", "shop", "web"}, {point, ledger, nullptr, false}).rule ==
          "unknown");
    CHECK(explain_stored({"pods", "other", "web"}, {point, ledger, nullptr, false}).rule ==
          "namespace.not-selected");
}

TEST_CASE("live: the rule that create would apply", "[explain]") {
    Shop shop;
    const std::vector<Row> rows = {
        {"pod/shop/web", "resource.in"},
        {"configmaps/shop/old", "mark"},
        {"configmaps/shop/kube-root-ca.crt", "kind.default"},
        {"namespace/shop", "namespace.selected"},
        {"namespace/default", "namespace.not-selected"},
        {"storageclasses/fast", "cluster.unrelated"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.object);
        CHECK(shop.live(shop.flags_for_shop(), row.object).rule == row.rule);
    }
    CHECK(error_of([&] { return shop.live(shop.flags_for_shop(), "pod/shop/none"); }).code() ==
          ErrorCode::KubeNotFound);
}

TEST_CASE("live: the namespace of the scope is meant when none is said", "[explain]") {
    Shop shop;
    CHECK(shop.live(shop.flags_for_shop(), "pod/web").object.ns == "shop");
    ScopeFlags all;
    all.all_namespaces = true;
    CHECK(error_of([&] { return shop.live(all, "pod/web"); }).code() == ErrorCode::KubeNotFound);
}

TEST_CASE("live: what is needed is found out by looking at the others", "[explain]") {
    Shop shop;
    const auto door = shop.live(shop.flags_for_web(), "secret/door");
    CHECK(door.verdict == Verdict::Related);
    REQUIRE_FALSE(door.edges.empty());
    CHECK(format_edge_origin(door.edges.front()) == "pods/shop/web");
    CHECK(shop.live(shop.flags_for_web(), "secret/spare").rule == "selector.label");
}

TEST_CASE("live: an object that decides by itself costs no lists", "[explain]") {
    Shop shop;
    const auto before = shop.server.lists().size();
    shop.live(shop.flags_for_shop(), "pod/web");
    CHECK(shop.server.lists().size() == before);
}

TEST_CASE("all in a namespace that carries the annotation is in", "[explain]") {
    Shop shop;
    shop.server.add_namespace("whole", R"("annotations":{"kubectl-backup/include":"true"})");
    shop.server.add("configmaps", "whole", "settings");
    shop.server.add("configmaps", "shop", "settings");
    ScopeFlags flags;
    flags.all_namespaces = true;
    flags.annotated = true;
    const auto created = shop.create(flags);
    CHECK(created.record.point.namespaces == std::vector<std::string>{"whole"});
    CHECK(shop.in_point(created, "configmaps/whole/settings").rule == "namespace.annotated");
    CHECK_FALSE(shop.files_of(created).contains("objects/namespaces/shop/configmaps/settings"));
}

TEST_CASE("contradicting marks are warnings of the point and of the plan", "[explain]") {
    Shop shop;
    shop.server.add(
        "configmaps",
        "shop",
        "torn",
        R"("annotations":{"kubectl-backup/exclude":"true","kubectl-backup/include":"true"})");
    const auto plan = shop.plan(shop.flags_for_shop());
    const auto created = shop.create(shop.flags_for_shop());
    for (const auto* ledger : {&plan.ledger, &created.ledger}) {
        REQUIRE(ledger->warnings.size() == 1);
        CHECK_THAT(ledger->warnings.front(), contains("configmaps/shop/torn has both"));
    }
}
