// SPDX-License-Identifier: Apache-2.0
#include "core/capture/closure.hpp"

#include "tests/support/catch.hpp"
#include "tests/unit/capture/closure_world.hpp"

#include <map>
#include <set>

using namespace backup;
using namespace backup::capture;
using model::ObjectKey;
using World = backup::testing::ClosureWorld;

namespace {
std::string names(const std::map<ObjectKey, Edge>& stored) {
    std::string text;
    for (const auto& [key, edge] : stored) {
        text += model::format_object_key(key);
        text += edge.why.empty() ? " " : " (" + edge.why + ") ";
    }
    return text;
}

std::string owned_by(std::string_view api_version, std::string_view kind, std::string_view name) {
    return R"("ownerReferences":[{"apiVersion":")" + std::string(api_version) + R"(","kind":")" +
           std::string(kind) + R"(","name":")" + std::string(name) + R"("}])";
}

World make_shop() {
    World world;
    const std::string labels = R"("labels":{"app":"web"})";
    const std::string spec = R"("spec":{"serviceAccountName":"web","volumes":[
        {"configMap":{"name":"settings"}},{"persistentVolumeClaim":{"claimName":"data"}}]})";
    world.add("deployments.apps",
              "shop",
              "web",
              R"({"spec":{"selector":{"matchLabels":{"app":"web"}},
                  "template":{"metadata":{)" +
                  labels + "}," + spec + "}}}");
    world.add("replicasets.apps",
              "shop",
              "web-2",
              R"({"metadata":{)" + owned_by("apps/v1", "Deployment", "web") + "}}");
    world.add("replicasets.apps",
              "shop",
              "web-1",
              R"({"metadata":{)" + owned_by("apps/v1", "Deployment", "web") + "}}");
    world.add("pods",
              "shop",
              "web-2-a",
              R"({"metadata":{)" + labels + "," + owned_by("apps/v1", "ReplicaSet", "web-2") +
                  "}," + spec + "}");
    world.add("pods", "shop", "other", R"({"metadata":{"labels":{"app":"other"}},"spec":{}})");
    world.add("configmaps", "shop", "settings", "{}");
    world.add("configmaps", "shop", "unrelated", "{}");
    world.add("persistentvolumeclaims",
              "shop",
              "data",
              R"({"spec":{"storageClassName":"fast","volumeName":"pv-1"}})");
    world.add("storageclasses.storage.k8s.io", "", "fast", "{}");
    world.add("persistentvolumes", "", "pv-1", R"({"spec":{"storageClassName":"fast"}})");
    world.add("serviceaccounts", "shop", "web", "{}");
    world.add("rolebindings.rbac.authorization.k8s.io",
              "shop",
              "web",
              R"({"subjects":[{"kind":"ServiceAccount","name":"web"}],
                  "roleRef":{"kind":"Role","name":"reader"}})");
    world.add("roles.rbac.authorization.k8s.io", "shop", "reader", "{}");
    world.add("roles.rbac.authorization.k8s.io", "shop", "unrelated", "{}");
    world.add("services", "shop", "web", R"({"spec":{"selector":{"app":"web"}}})");
    world.add("services", "shop", "other", R"({"spec":{"selector":{"app":"other"}}})");
    world.add("services", "data", "web", R"({"spec":{"selector":{"app":"web"}}})");
    world.add("ingresses.networking.k8s.io",
              "shop",
              "web",
              R"({"spec":{"tls":[{"secretName":"cert"}],"rules":[{"http":{"paths":[
                  {"backend":{"service":{"name":"web"}}},
                  {"backend":{"service":{"name":"other"}}}]}}]}})");
    world.add("secrets", "shop", "cert", "{}");
    world.add("horizontalpodautoscalers.autoscaling",
              "shop",
              "web",
              R"({"spec":{"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment",
                  "name":"web"}}})");
    world.add("networkpolicies.networking.k8s.io", "shop", "all", R"({"spec":{"podSelector":{}}})");
    return world;
}

const std::set<std::string>& unrelated() {
    static const std::set<std::string> names = {"configmaps/shop/unrelated",
                                                "pods/shop/other",
                                                "replicasets.apps/shop/web-1",
                                                "roles.rbac.authorization.k8s.io/shop/unrelated",
                                                "services/data/web",
                                                "services/shop/other"};
    return names;
}

/// Everything of the shop but what has nothing to do with the application.
std::set<std::string> related_of(const World& world) {
    std::set<std::string> all;
    for (const auto& [key, links] : world.objects()) {
        all.insert(model::format_object_key(key));
    }
    for (const auto& name : unrelated()) {
        all.erase(name);
    }
    return all;
}

std::set<std::string> keys_of(const std::map<ObjectKey, Edge>& stored) {
    std::set<std::string> keys;
    for (const auto& [key, edge] : stored) {
        keys.insert(model::format_object_key(key));
    }
    return keys;
}

}  // namespace

TEST_CASE("an application is closed from its workload and from its pod alike", "[closure]") {
    const auto world = make_shop();
    CHECK(keys_of(world.close({{"deployments.apps", "shop", "web"}})) == related_of(world));
    CHECK(keys_of(world.close({{"pods", "shop", "web-2-a"}})) == related_of(world));
    CHECK(keys_of(world.close({{"replicasets.apps", "shop", "web-2"}})) == related_of(world));
}

TEST_CASE("a claim brings its classes and not the application", "[closure]") {
    CHECK(names(make_shop().close({{"persistentvolumeclaims", "shop", "data"}})) ==
          "persistentvolumeclaims/shop/data persistentvolumes/pv-1 (spec.volumeName) "
          "storageclasses.storage.k8s.io/fast (spec.storageClassName) ");
}

TEST_CASE("a service does not bring the pods behind it", "[closure]") {
    CHECK(names(make_shop().close({{"services", "shop", "web"}})) ==
          "ingresses.networking.k8s.io/shop/web (routes requests to it) "
          "secrets/shop/cert (spec.tls.secretName) services/shop/web ");
}

TEST_CASE("each edge says why", "[closure]") {
    const auto stored = make_shop().close({{"pods", "shop", "web-2-a"}});
    const auto edge = [&stored](const ObjectKey& key) {
        const auto& found = stored.at(key);
        return model::format_object_key(found.from) + ": " + found.why;
    };
    CHECK(edge({"replicasets.apps", "shop", "web-2"}) == "pods/shop/web-2-a: owner");
    CHECK(edge({"deployments.apps", "shop", "web"}) == "replicasets.apps/shop/web-2: owner");
    CHECK(edge({"services", "shop", "web"}) == "pods/shop/web-2-a: selects its pods");
    CHECK(edge({"configmaps", "shop", "settings"}) ==
          "pods/shop/web-2-a: spec.volumes.configMap.name");
    CHECK(edge({"horizontalpodautoscalers.autoscaling", "shop", "web"}) ==
          "deployments.apps/shop/web: scales it");
    CHECK(edge({"roles.rbac.authorization.k8s.io", "shop", "reader"}) ==
          "rolebindings.rbac.authorization.k8s.io/shop/web: roleRef.name");
}

TEST_CASE("what a custom resource owns comes along, also over several steps", "[closure]") {
    World world;
    const auto owner = owned_by("db.example.com/v1", "Cluster", "main");
    world.add("clusters.db.example.com", "data", "main", R"({"spec":{"secretName":"root"}})");
    world.add("secrets", "data", "root", "{}");
    world.add("secrets", "data", "generated", R"({"metadata":{)" + owner + "}}");
    world.add("persistentvolumeclaims", "data", "pg-1", R"({"metadata":{)" + owner + "}}");
    world.add("persistentvolumeclaims", "shop", "pg-1", R"({"metadata":{)" + owner + "}}");
    const std::string all =
        "clusters.db.example.com/data/main persistentvolumeclaims/data/pg-1 (is owned by it) "
        "secrets/data/generated (is owned by it) secrets/data/root (member secretName) ";
    CHECK(names(world.close({{"clusters.db.example.com", "data", "main"}})) == all);
    CHECK(keys_of(world.close({{"persistentvolumeclaims", "data", "pg-1"}})).size() == 4);
}

TEST_CASE("a cluster-wide owner is brought, but not all that it owns", "[closure]") {
    World world;
    const auto owner = owned_by("example.com/v1", "Tenant", "acme");
    world.add("tenants.example.com", "", "acme", "{}");
    world.add("configmaps", "shop", "a", R"({"metadata":{)" + owner + "}}");
    world.add("configmaps", "data", "b", R"({"metadata":{)" + owner + "}}");
    CHECK(names(world.close({{"configmaps", "shop", "a"}})) ==
          "configmaps/shop/a tenants.example.com/acme (owner) ");
}

TEST_CASE("claims of one volume group come together", "[closure]") {
    World world;
    const std::string label = R"("labels":{"velero.io/volume-group":"db"})";
    world.add("persistentvolumeclaims", "data", "a", R"({"metadata":{)" + label + "}}");
    world.add("persistentvolumeclaims", "data", "b", R"({"metadata":{)" + label + "}}");
    world.add("persistentvolumeclaims", "data", "c", "{}");
    world.add("persistentvolumeclaims", "shop", "a", R"({"metadata":{)" + label + "}}");
    CHECK(names(world.close({{"persistentvolumeclaims", "data", "b"}})) ==
          "persistentvolumeclaims/data/a (is of its volume group) persistentvolumeclaims/data/b ");
}

namespace {

/// The claims that come with one StatefulSet of a namespace of many claims.
std::string claims_of_set(const std::string& name, const std::string& spec) {
    World world;
    world.add("statefulsets.apps", "shop", name, R"({"spec":{)" + spec + "}}");
    for (const auto* claim : {"data-web-0",
                              "data-web-1",
                              "data-web-2",
                              "data-web-10",
                              "logs-web-0",
                              "data-web",
                              "data-web-",
                              "data-web-01",
                              "data-web-1a",
                              "data-web-0-1",
                              "data-web-a-0",
                              "data-web-web-0",
                              "my-data-web-0",
                              "data-webs-0",
                              "data-0"}) {
        world.add("persistentvolumeclaims", "shop", claim, "{}");
    }
    world.add("persistentvolumeclaims", "data", "data-web-0", "{}");
    std::string found;
    for (const auto& [key, edge] : world.close({{"statefulsets.apps", "shop", name}})) {
        if (key.resource == "persistentvolumeclaims") {
            CHECK(edge.why == "spec.volumeClaimTemplates");
            found += key.ns + "/" + key.name + " ";
        }
    }
    return found;
}

}  // namespace

TEST_CASE("a stateful set has all its claims, whatever its replicas", "[closure]") {
    const std::string templates =
        R"("volumeClaimTemplates":[{"metadata":{"name":"data"}},{"metadata":{"name":"none"}}])";
    const std::string all = "shop/data-web-0 shop/data-web-1 shop/data-web-10 shop/data-web-2 ";
    CHECK(claims_of_set("web", templates) == all);
    CHECK(claims_of_set("web", templates + R"(,"replicas":0)") == all);
    CHECK(claims_of_set("web", templates + R"(,"replicas":3)") == all);
    CHECK(claims_of_set("web", templates + R"(,"replicas":1,"ordinals":{"start":2})") == all);
    CHECK(claims_of_set("web", R"("replicas":3)").empty());
    CHECK(claims_of_set("web", R"("volumeClaimTemplates":[{"metadata":{}},7])").empty());
}

TEST_CASE("claims of a set with a similar name are not taken", "[closure]") {
    const auto with = [](const std::string& name) {
        return R"("replicas":0,"volumeClaimTemplates":[{"metadata":{"name":")" + name + R"("}}])";
    };
    CHECK(claims_of_set("web-a", with("data")) == "shop/data-web-a-0 ");
    CHECK(claims_of_set("web", with("data-web")) == "shop/data-web-web-0 ");
    CHECK(claims_of_set("web", with("my-data")) == "shop/my-data-web-0 ");
    CHECK(claims_of_set("web-0", with("data")) == "shop/data-web-0-1 ");
    CHECK(claims_of_set("webs", with("data")) == "shop/data-webs-0 ");
    CHECK(claims_of_set("we", with("data")).empty());
    CHECK(claims_of_set("data", with("")).empty());
}

TEST_CASE("a claim does not bring the others of its set", "[closure]") {
    World world;
    world.add("persistentvolumeclaims", "shop", "data-web-0", "{}");
    world.add("persistentvolumeclaims", "shop", "data-web-1", "{}");
    CHECK(names(world.close({{"persistentvolumeclaims", "shop", "data-web-1"}})) ==
          "persistentvolumeclaims/shop/data-web-1 ");
}

TEST_CASE("rights of all service accounts of a namespace", "[closure]") {
    World world;
    world.add("serviceaccounts", "shop", "web", "{}");
    world.add("clusterrolebindings.rbac.authorization.k8s.io",
              "",
              "shop-all",
              R"({"subjects":[{"kind":"Group","name":"system:serviceaccounts:shop"}],
                  "roleRef":{"kind":"ClusterRole","name":"view"}})");
    world.add("clusterroles.rbac.authorization.k8s.io", "", "view", "{}");
    CHECK(keys_of(world.close({{"serviceaccounts", "shop", "web"}})).size() == 3);
}
