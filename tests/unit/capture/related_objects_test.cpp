// SPDX-License-Identifier: Apache-2.0
#include "core/capture/closure.hpp"
#include "tests/support/capture_scene.hpp"
#include "tests/support/catch.hpp"

#include <set>

using namespace backup;
using namespace backup::capture;
using backup::testing::CaptureScene;

namespace {

constexpr std::string_view kMark = R"("annotations":{"kubectl-backup/include":"true"})";

/// An application of which only some objects carry a label, and its neighbour.
struct Shop : CaptureScene {
    Shop() {
        for (const auto* kind : {"roles.rbac.authorization.k8s.io",
                                 "ingresses.networking.k8s.io",
                                 "networkpolicies.networking.k8s.io",
                                 "horizontalpodautoscalers.autoscaling",
                                 "carts.example.com"}) {
            server.add_resource(kind);
        }
        server.add("deployments.apps",
                   "shop",
                   "web",
                   R"("labels":{"app":"web"})",
                   R"("spec":{"selector":{"matchLabels":{"run":"web"}},"template":{)"
                   R"("metadata":{"labels":{"run":"web"}},"spec":{"serviceAccountName":"web"}}})");
        server.add("pods",
                   "shop",
                   "web-1",
                   R"("labels":{"run":"web"},"ownerReferences":[{"apiVersion":"apps/v1",)"
                   R"("kind":"Deployment","name":"web"}])",
                   R"("spec":{"serviceAccountName":"web"},"status":{"phase":"Running"})");
        server.add("pods", "shop", "db-1", R"("labels":{"run":"db"})", R"("spec":{})");
        server.add("services", "shop", "web", {}, R"("spec":{"selector":{"run":"web"}})");
        server.add("services", "shop", "db", {}, R"("spec":{"selector":{"run":"db"}})");
        server.add("serviceaccounts", "shop", "web");
        server.add("roles.rbac.authorization.k8s.io", "shop", "reader");
        server.add("roles.rbac.authorization.k8s.io", "shop", "other");
        server.add("rolebindings.rbac.authorization.k8s.io",
                   "shop",
                   "web",
                   {},
                   R"("subjects":[{"kind":"ServiceAccount","name":"web"}],)"
                   R"("roleRef":{"kind":"Role","name":"reader"})");
        server.add("clusterrolebindings.rbac.authorization.k8s.io",
                   "",
                   "web-view",
                   {},
                   R"("subjects":[{"kind":"ServiceAccount","namespace":"shop","name":"web"}],)"
                   R"("roleRef":{"kind":"ClusterRole","name":"view"})");
        server.add("clusterrolebindings.rbac.authorization.k8s.io", "", "other");
        server.add("clusterroles.rbac.authorization.k8s.io", "", "view");
        server.add(
            "ingresses.networking.k8s.io",
            "shop",
            "web",
            {},
            R"("spec":{"rules":[{"http":{"paths":[{"backend":{"service":{"name":"web"}}}]}}],)"
            R"("tls":[{"secretName":"cert"}]})");
        server.add("secrets", "shop", "cert");
        server.add("secrets", "shop", "other");
        server.add("horizontalpodautoscalers.autoscaling",
                   "shop",
                   "web",
                   {},
                   R"("spec":{"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment",)"
                   R"("name":"web"}})");
    }

    std::set<std::string> objects_of(const CreatedPoint& created) {
        std::set<std::string> names;
        constexpr std::string_view in_namespace = "objects/namespaces/shop/";
        constexpr std::string_view in_cluster = "objects/cluster/";
        for (const auto& [path, bytes] : files_of(created)) {
            if (path.starts_with(in_namespace)) {
                names.insert(path.substr(in_namespace.size()));
            } else if (path.starts_with(in_cluster)) {
                names.insert(path.substr(in_cluster.size()));
            }
        }
        return names;
    }
};

const std::set<std::string>& application() {
    static const std::set<std::string> names = {
        "clusterrolebindings.rbac.authorization.k8s.io/web-view",
        "clusterroles.rbac.authorization.k8s.io/view",
        "deployments.apps/web",
        "horizontalpodautoscalers.autoscaling/web",
        "ingresses.networking.k8s.io/web",
        "namespaces/shop",
        "pods/web-1",
        "rolebindings.rbac.authorization.k8s.io/web",
        "roles.rbac.authorization.k8s.io/reader",
        "secrets/cert",
        "serviceaccounts/web",
        "services/web"};
    return names;
}

}  // namespace

TEST_CASE("a label on the workload brings the whole application", "[related]") {
    Shop scene;
    auto flags = scene.flags_for_shop();
    flags.selectors = {"app=web"};
    const auto created = scene.create(flags);
    CHECK(scene.objects_of(created) == application());
    CHECK(created.record.point.status == model::PointStatus::Complete);
}

TEST_CASE("so does an annotation on its pod, and on a service account", "[related]") {
    Shop scene;
    scene.server.remove("pods", "shop", "web-1");
    scene.server.add(
        "pods",
        "shop",
        "web-1",
        concat(kMark,
               R"(,"labels":{"run":"web"},"ownerReferences":[{"apiVersion":"apps/v1",)",
               R"("kind":"Deployment","name":"web"}])"),
        R"("spec":{"serviceAccountName":"web"},"status":{"phase":"Running"})");
    auto flags = scene.flags_for_shop();
    flags.annotated = true;
    CHECK(scene.objects_of(scene.create(flags)) == application());
}

TEST_CASE("a second backup of the same scope finds the same", "[related]") {
    Shop scene;
    auto flags = scene.flags_for_shop();
    flags.selectors = {"app=web"};
    scene.create(flags);
    CHECK(scene.objects_of(scene.create(flags)) == application());
}

TEST_CASE("what is named and does not exist is not missing in the point", "[related]") {
    Shop scene;
    scene.server.remove("secrets", "shop", "cert");
    auto flags = scene.flags_for_shop();
    SECTION("among chosen objects") {
        flags.selectors = {"app=web"};
    }
    SECTION("in a whole namespace") {}
    const auto created = scene.create(flags);
    CHECK(created.record.point.status == model::PointStatus::Complete);
    CHECK(scene.objects_of(created).contains("ingresses.networking.k8s.io/web"));
    CHECK_FALSE(scene.objects_of(created).contains("secrets/cert"));
}

TEST_CASE("marks and excluded kinds hold for what is needed too", "[related]") {
    Shop scene;
    scene.server.remove("secrets", "shop", "cert");
    scene.server.add(
        "secrets", "shop", "cert", R"("annotations":{"kubectl-backup/exclude":"true"})");
    auto flags = scene.flags_for_shop();
    flags.selectors = {"app=web"};
    flags.exclude_resources = {"pods", "rolebindings"};
    auto expected = application();
    for (const auto* name : {"pods/web-1",
                             "secrets/cert",
                             "rolebindings.rbac.authorization.k8s.io/web",
                             "roles.rbac.authorization.k8s.io/reader"}) {
        expected.erase(name);
    }
    CHECK(scene.objects_of(scene.create(flags)) == expected);
}

TEST_CASE("a custom resource brings its definition and what it owns", "[related]") {
    Shop scene;
    constexpr std::string_view owned =
        R"("ownerReferences":[{"apiVersion":"example.com/v1","kind":"Cart","name":"main"}])";
    scene.server.add("carts.example.com", "shop", "main", kMark);
    scene.server.add("carts.example.com", "shop", "other");
    scene.server.add("secrets", "shop", "generated", owned);
    scene.server.add("customresourcedefinitions.apiextensions.k8s.io", "", "carts.example.com");
    auto flags = scene.flags_for_shop();
    flags.annotated = true;
    CHECK(scene.objects_of(scene.create(flags)) ==
          std::set<std::string>{"carts.example.com/main",
                                "customresourcedefinitions.apiextensions.k8s.io/carts.example.com",
                                "namespaces/shop",
                                "secrets/generated"});
}

TEST_CASE("a stateful set that was made smaller brings the claims it had", "[related]") {
    Shop scene;
    scene.server.add("statefulsets.apps",
                     "shop",
                     "db",
                     kMark,
                     R"("spec":{"replicas":0,"volumeClaimTemplates":[{"metadata":{)"
                     R"("name":"data"}}]})");
    for (const auto* name : {"data-db-0", "data-db-2", "data-db-a-0", "data-other-0"}) {
        scene.server.add("persistentvolumeclaims", "shop", name, {}, R"("spec":{})");
    }
    auto flags = scene.flags_for_shop();
    flags.annotated = true;
    const auto created = scene.create(flags);
    CHECK(scene.objects_of(created) == std::set<std::string>{"namespaces/shop",
                                                             "persistentvolumeclaims/data-db-0",
                                                             "persistentvolumeclaims/data-db-2",
                                                             "statefulsets.apps/db"});
    CHECK(created.ledger.volumes.size() == 2);
}

TEST_CASE("an annotated namespace is in as a whole, and others are not", "[related]") {
    Shop scene;
    scene.server.add_namespace("data", kMark);
    scene.server.add("configmaps", "data", "a");
    ScopeFlags flags;
    flags.all_namespaces = true;
    flags.annotated = true;
    const auto created = scene.create(flags);
    CHECK(created.record.point.namespaces == std::vector<std::string>{"data"});
    CHECK(scene.files_of(created).contains("objects/namespaces/data/configmaps/a"));
    CHECK(scene.objects_of(created) == std::set<std::string>{"namespaces/data"});
}
