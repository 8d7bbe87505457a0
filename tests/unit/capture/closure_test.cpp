// SPDX-License-Identifier: Apache-2.0
#include "core/capture/closure.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/unit/capture/make_object.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <set>

using namespace backup;
using namespace backup::capture;
using backup::testing::make_resource;
using backup::testing::SeededRandom;
using model::ObjectKey;

namespace {

model::ApiResource make_kind(std::string_view name, std::string_view kind, bool namespaced = true) {
    auto resource = make_resource(name, namespaced);
    resource.kind = kind;
    return resource;
}

const std::vector<model::ApiResource>& kinds() {
    static const std::vector<model::ApiResource> all = {
        make_kind("pods", "Pod"),
        make_kind("services", "Service"),
        make_kind("replicasets.apps", "ReplicaSet"),
        make_kind("deployments.apps", "Deployment"),
        make_kind("clusters.db.example.com", "Cluster"),
        make_kind("tenants.example.com", "Tenant", false)};
    return all;
}

/// A cluster of documents: what would be listed and fetched.
class World {
  public:
    void add(std::string_view resource,
             std::string_view ns,
             std::string_view name,
             const std::string& json) {
        const ObjectKey key{std::string(resource), std::string(ns), std::string(name)};
        auto document = parse_json(json);
        document["metadata"]["name"] = name;
        objects_[key] = links_of(resource, key, document);
    }

    void add(Links links) { objects_[links.key] = std::move(links); }

    const std::map<ObjectKey, Links>& objects() const { return objects_; }

    /// What is stored in the end when `seeds` are chosen; the rest was seen but not chosen.
    std::map<ObjectKey, Edge> close(const std::set<ObjectKey>& seeds) const {
        std::vector<ObjectKey> order;
        for (const auto& [key, links] : objects_) {
            order.push_back(key);
        }
        return close(seeds, order);
    }

    std::map<ObjectKey, Edge> close(const std::set<ObjectKey>& seeds,
                                    const std::vector<ObjectKey>& order) const {
        Closure closure(Closure::make_resolve(kinds()));
        std::map<ObjectKey, Edge> stored;
        for (const auto& key : order) {
            if (seeds.contains(key)) {
                stored.try_emplace(key);
                closure.add(objects_.at(key));
            } else {
                closure.consider(objects_.at(key));
            }
        }
        for (;;) {
            const auto wanted = closure.take_wanted();
            if (wanted.empty()) {
                return stored;
            }
            for (const auto& [key, edge] : wanted) {
                // Once wanted is never wanted again: that is what ends circles.
                CHECK_FALSE(stored.contains(key));
                const auto found = objects_.find(key);
                if (found != objects_.end()) {
                    CHECK(stored.contains(edge.from));
                    stored.try_emplace(key, edge);
                    closure.add(found->second);
                }
            }
        }
    }

  private:
    std::map<ObjectKey, Links> objects_;
};

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

namespace {

constexpr std::size_t kObjects = 40;

ObjectKey random_key(SeededRandom& random) {
    static const std::vector<std::string> resources = {
        "pods", "services", "configmaps", "serviceaccounts", "clusters.db.example.com"};
    return {resources[random.below(resources.size())],
            random.chance(5) ? "data" : "shop",
            std::to_string(random.below(kObjects / 4))};
}

/// Never an object's.
ObjectKey random_group(SeededRandom& random) {
    return {std::string(kVolumeGroup), "shop", std::to_string(random.below(kObjects / 4))};
}

model::LabelSelector random_selector(SeededRandom& random) {
    const auto label = [&random] {
        return std::string(1, static_cast<char>('a' + random.below(4)));
    };
    return random.chance(6) ? model::LabelSelector()
                            : model::parse_label_selector(label() + "=" + label());
}

Links random_links(const ObjectKey& key, SeededRandom& random) {
    Links links;
    links.key = key;
    for (auto n = random.below(3); n > 0; --n) {
        links.needs.push_back({random_key(random), "needs"});
    }
    if (random.chance(3)) {
        links.attached_to.push_back(
            {random.chance(2) ? random_key(random) : random_group(random), "attached"});
    }
    if (random.chance(3)) {
        links.groups.push_back(random_group(random));
    }
    if (random.chance(4)) {
        const bool is_custom = random.chance(2);
        links.owners.push_back({is_custom ? "db.example.com" : "",
                                is_custom ? "Cluster" : "Pod",
                                random_key(random).name});
    }
    if (random.chance(4)) {
        links.selects = random_selector(random);
        links.selects_why = "selects";
    }
    if (random.chance(2)) {
        links.pod_labels =
            model::Labels{{std::string(1, static_cast<char>('a' + random.below(4))),
                           std::string(1, static_cast<char>('a' + random.below(4)))}};
        links.is_made = random.chance(2);
    }
    if (random.chance(5)) {
        links.makes = random_selector(random);
    }
    return links;
}

bool has_pods_like(const std::map<ObjectKey, Links>& objects,
                   const std::set<ObjectKey>& in,
                   const Links& candidate) {
    return std::any_of(in.begin(), in.end(), [&](const ObjectKey& key) {
        const auto& links = objects.at(key);
        return key.ns == candidate.key.ns && links.pod_labels &&
               model::matches(*candidate.selects, *links.pod_labels);
    });
}

bool is_made_by_one_of(const std::map<ObjectKey, Links>& objects,
                       const std::set<ObjectKey>& in,
                       const Links& pod) {
    return std::any_of(in.begin(), in.end(), [&](const ObjectKey& key) {
        const auto& links = objects.at(key);
        return key.ns == pod.key.ns && links.makes && model::matches(*links.makes, *pod.pod_labels);
    });
}

bool is_formed_by_one_of(const std::map<ObjectKey, Links>& objects,
                         const std::set<ObjectKey>& in,
                         const ObjectKey& group) {
    return std::any_of(in.begin(), in.end(), [&](const ObjectKey& key) {
        const auto& groups = objects.at(key).groups;
        return std::find(groups.begin(), groups.end(), group) != groups.end();
    });
}

/// The rules of the closure said once more, without any index: is `candidate` tied to what is in?
bool is_tied(const std::map<ObjectKey, Links>& objects,
             const std::set<ObjectKey>& in,
             const Links& candidate,
             const Closure::Resolve& resolve) {
    const auto& key = candidate.key;
    for (const auto& stored : in) {
        const auto& links = objects.at(stored);
        for (const auto& need : links.needs) {
            if (need.key == key) {
                return true;
            }
        }
        for (const auto& owner : links.owners) {
            if (resolve(owner, stored.ns) == key) {
                return true;
            }
        }
    }
    for (const auto& to : candidate.attached_to) {
        if (in.contains(to.key) || is_formed_by_one_of(objects, in, to.key)) {
            return true;
        }
    }
    for (const auto& owner : candidate.owners) {
        const auto found = resolve(owner, key.ns);
        if (may_be_custom(owner.group) && found && in.contains(*found)) {
            return true;
        }
    }
    return (candidate.selects && has_pods_like(objects, in, candidate)) ||
           (candidate.is_made && candidate.pod_labels && is_made_by_one_of(objects, in, candidate));
}

std::set<ObjectKey> close_naively(const World& world, std::set<ObjectKey> in) {
    const auto resolve = Closure::make_resolve(kinds());
    for (bool changed = true; changed;) {
        changed = false;
        for (const auto& [key, links] : world.objects()) {
            if (!in.contains(key) && is_tied(world.objects(), in, links, resolve)) {
                in.insert(key);
                changed = true;
            }
        }
    }
    return in;
}

std::set<ObjectKey> plain(const std::map<ObjectKey, Edge>& stored) {
    std::set<ObjectKey> keys;
    for (const auto& [key, edge] : stored) {
        keys.insert(key);
    }
    return keys;
}

}  // namespace

TEST_CASE("the closure of any graph is the least fixpoint, in any order, also with circles",
          "[closure][property]") {
    SeededRandom random;
    std::size_t grown = 0;
    for (int round = 0; round < 400; ++round) {
        World world;
        for (std::size_t i = 0; i < kObjects; ++i) {
            world.add(random_links(random_key(random), random));
        }
        std::vector<ObjectKey> order;
        std::set<ObjectKey> seeds;
        for (const auto& [key, links] : world.objects()) {
            order.push_back(key);
            if (random.chance(12)) {
                seeds.insert(key);
            }
        }
        const auto expected = close_naively(world, seeds);
        grown += static_cast<std::size_t>(expected.size() > seeds.size());
        for (int shuffle = 0; shuffle < 3; ++shuffle) {
            for (std::size_t i = order.size(); i > 1; --i) {
                std::swap(order[i - 1], order[random.below(i)]);
            }
            const auto stored = world.close(seeds, order);
            REQUIRE(plain(stored) == expected);
            // Closed: closing it again adds nothing.
            REQUIRE(plain(world.close(plain(stored), order)) == expected);
        }
    }
    CHECK(grown > 100);
}
