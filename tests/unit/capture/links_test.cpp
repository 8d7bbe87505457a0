// SPDX-License-Identifier: Apache-2.0
#include "core/capture/links.hpp"

#include "tests/support/catch.hpp"

using namespace backup;
using namespace backup::capture;

namespace {

Links links(std::string_view resource, std::string_view json) {
    return links_of(resource, {std::string(resource), "shop", "x"}, parse_json(json));
}

std::string attachments(std::string_view resource, std::string_view json) {
    std::string text;
    for (const auto& [key, why] : links(resource, json).attached_to) {
        text += model::format_object_key(key) + " (" + why + ") ";
    }
    return text;
}

std::string selection(std::string_view resource, std::string_view json) {
    const auto found = links(resource, json);
    return found.selects ? "[" + model::format_label_selector(*found.selects) + "]" : "none";
}

}  // namespace

TEST_CASE("owners are read with their group", "[links]") {
    const auto found = links("pods", R"({"metadata":{"ownerReferences":[
        {"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-1","controller":true},
        {"apiVersion":"v1","kind":"Node","name":"n1"},
        {"apiVersion":"db.example.com/v1beta2","kind":"Cluster","name":"main"},
        {"kind":"","name":"odd"}, 7]}})");
    CHECK(found.owners == std::vector<KindRef>{{"apps", "ReplicaSet", "web-1"},
                                               {"", "Node", "n1"},
                                               {"db.example.com", "Cluster", "main"}});
}

TEST_CASE("what selects pods", "[links]") {
    CHECK(selection("services", R"({"spec":{"selector":{"app":"web","tier":"front"}}})") ==
          "[app=web,tier=front]");
    CHECK(selection("services", R"({"spec":{"selector":{}}})") == "none");
    CHECK(selection("services", R"({"spec":{}})") == "none");
    CHECK(selection("networkpolicies.networking.k8s.io", R"({"spec":{"podSelector":{}}})") == "[]");
    CHECK(selection("poddisruptionbudgets.policy",
                    R"({"spec":{"selector":{"matchLabels":{"app":"web"},"matchExpressions":[
                        {"key":"a","operator":"In","values":["2","1"]},
                        {"key":"b","operator":"NotIn","values":["3"]},
                        {"key":"c","operator":"Exists"},
                        {"key":"d","operator":"DoesNotExist"}]}}})") ==
          "[app=web,a in (1,2),b!=3,c,!d]");
    CHECK(selection(
              "poddisruptionbudgets.policy",
              R"({"spec":{"selector":{"matchExpressions":[{"key":"a","operator":"Near"}]}}})") ==
          "none");
    CHECK(selection("configmaps", R"({"spec":{"selector":{"app":"web"}}})") == "none");
}

TEST_CASE("pods and what makes them", "[links]") {
    const auto deployment = links("deployments.apps", R"({"spec":{
        "selector":{"matchLabels":{"app":"web"}},
        "template":{"metadata":{"labels":{"app":"web","v":"2"}},"spec":{}}}})");
    CHECK(deployment.pod_labels == model::Labels{{"app", "web"}, {"v", "2"}});
    REQUIRE(deployment.makes);
    CHECK(model::format_label_selector(*deployment.makes) == "app=web");
    CHECK_FALSE(deployment.is_made);

    CHECK(links("replicationcontrollers", R"({"spec":{"selector":{"app":"web"}}})").makes);
    CHECK_FALSE(links("deployments.apps", R"({"spec":{"selector":{}}})").makes);
    CHECK_FALSE(links("configmaps", R"({"metadata":{"labels":{"app":"web"}}})").pod_labels);

    const auto pod = [](std::string_view phase) {
        return links("pods",
                     R"({"metadata":{"labels":{"app":"web"},"ownerReferences":[
                         {"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-1"}]},
                         "spec":{},"status":{"phase":")" +
                         std::string(phase) + R"("}})");
    };
    CHECK(pod("Running").is_made);
    CHECK(pod("Running").pod_labels == model::Labels{{"app", "web"}});
    CHECK_FALSE(pod("Succeeded").is_made);
    CHECK_FALSE(links("pods", R"({"spec":{},"status":{"phase":"Running"}})").is_made);
}

TEST_CASE("what routes to services", "[links]") {
    CHECK(attachments("ingresses.networking.k8s.io",
                      R"({"spec":{"defaultBackend":{"service":{"name":"a"}},"rules":[{"http":{
                          "paths":[{"backend":{"service":{"name":"b"}}},{"backend":{}}]}}]}})") ==
          "services/shop/a (routes requests to it) services/shop/b (routes requests to it) ");
    CHECK(attachments("ingresses.extensions",
                      R"({"spec":{"backend":{"serviceName":"a"},"rules":[{"http":{"paths":[
                          {"backend":{"serviceName":"b"}}]}}]}})") ==
          "services/shop/a (routes requests to it) services/shop/b (routes requests to it) ");
    const auto route = links("httproutes.gateway.networking.k8s.io",
                             R"({"spec":{"parentRefs":[{"name":"edge"},
                                 {"name":"far","namespace":"infra"}],
                                 "rules":[{"backendRefs":[{"name":"a"},
                                 {"name":"b","namespace":"data"},
                                 {"kind":"Bucket","name":"c"}]}]}})");
    REQUIRE(route.attached_to.size() == 2);
    CHECK(route.attached_to[1].key == model::ObjectKey{"services", "data", "b"});
    REQUIRE(route.needs.size() == 1);
    CHECK(route.needs[0].key ==
          model::ObjectKey{"gateways.gateway.networking.k8s.io", "shop", "edge"});
}

TEST_CASE("bindings, servers, volume groups", "[links]") {
    CHECK(attachments("rolebindings.rbac.authorization.k8s.io",
                      R"({"subjects":[{"kind":"ServiceAccount","name":"web"},
                          {"kind":"ServiceAccount","namespace":"data","name":"db"},
                          {"kind":"User","name":"me"},
                          {"kind":"Group","name":"system:serviceaccounts:shop"}]})") ==
          "serviceaccounts/shop/web (gives it rights) serviceaccounts/data/db (gives it rights) "
          "serviceaccounts/shop/* (gives it rights) ");
    CHECK(attachments("validatingwebhookconfigurations.admissionregistration.k8s.io",
                      R"({"webhooks":[{"clientConfig":{"url":"https://x"}},
                          {"clientConfig":{"service":{"namespace":"shop","name":"hook"}}}]})") ==
          "services/shop/hook (is served by it) ");
    CHECK(attachments("apiservices.apiregistration.k8s.io",
                      R"({"spec":{"service":{"namespace":"shop","name":"api"}}})") ==
          "services/shop/api (is served by it) ");
    CHECK(attachments("persistentvolumeclaims",
                      R"({"metadata":{"labels":{"velero.io/volume-group":"db"}}})") ==
          "velero.io/volume-group/shop/db (is of its volume group) ");
    CHECK(attachments("persistentvolumeclaims",
                      R"({"metadata":{"annotations":{"kubectl-backup/volume-group":"db"}}})") ==
          "velero.io/volume-group/shop/db (is of its volume group) ");
}

TEST_CASE("claims of a stateful set are known by their names", "[links]") {
    const auto set = links("statefulsets.apps",
                           R"({"spec":{"replicas":2147483647,"volumeClaimTemplates":[
                               {"metadata":{"name":"data"}},{"metadata":{"name":"logs"}},{},7]}})");
    CHECK(set.groups == std::vector<model::ObjectKey>{{std::string(kSetClaims), "shop", "data-x"},
                                                      {std::string(kSetClaims), "shop", "logs-x"}});
    const auto set_of = [](const std::string& claim) {
        const auto found =
            links_of("persistentvolumeclaims", {"persistentvolumeclaims", "shop", claim}, Json());
        CHECK(found.groups.empty());
        return found.attached_to.empty() ? "none" : found.attached_to.front().key.name;
    };
    CHECK(set_of("data-x-0") == "data-x");
    CHECK(set_of("data-x-10") == "data-x");
    CHECK(set_of("data-x-0-3") == "data-x-0");
    CHECK(set_of("0") == "none");
    for (const auto* other : {"", "-", "-0", "data", "data-", "data-x-", "data-x-a", "data-x-01"}) {
        CAPTURE(other);
        CHECK(set_of(other) == "none");
    }
}

TEST_CASE("an autoscaler names its workload", "[links]") {
    const auto scaler = links("horizontalpodautoscalers.autoscaling",
                              R"({"spec":{"scaleTargetRef":{"apiVersion":"apps/v1",
                                  "kind":"StatefulSet","name":"db"}}})");
    CHECK(scaler.scales == KindRef{"apps", "StatefulSet", "db"});
    CHECK(links("scaledobjects.keda.sh", R"({"spec":{"scaleTargetRef":{"name":"web"}}})").scales ==
          KindRef{"apps", "Deployment", "web"});
    CHECK_FALSE(links("horizontalpodautoscalers.autoscaling", "{}").scales);
}

TEST_CASE("which objects and kinds may belong to others", "[links]") {
    CHECK(is_attachable(links("services", R"({"spec":{"selector":{"a":"b"}}})")));
    CHECK_FALSE(is_attachable(links("services", R"({"spec":{}})")));
    CHECK(is_attachable(links("secrets", R"({"metadata":{"ownerReferences":[
        {"apiVersion":"db.example.com/v1","kind":"Cluster","name":"main"}]}})")));
    CHECK_FALSE(is_attachable(links("replicasets.apps", R"({"metadata":{"ownerReferences":[
        {"apiVersion":"apps/v1","kind":"Deployment","name":"web"}]}})")));
    for (const auto* kind : {"services",
                             "pods",
                             "networkpolicies.networking.k8s.io",
                             "rolebindings.rbac.authorization.k8s.io",
                             "clusters.db.example.com",
                             "httproutes.gateway.networking.k8s.io",
                             "udproutes.gateway.networking.k8s.io",
                             "persistentvolumeclaims"}) {
        CAPTURE(kind);
        CHECK(has_links(kind));
    }
    CHECK_FALSE(has_links("secrets"));
    CHECK_FALSE(has_links("configmaps"));
    CHECK_FALSE(has_links("endpointslices.discovery.k8s.io"));
}

TEST_CASE("odd shapes tie nothing", "[links]") {
    for (const auto* json :
         {"[]",
          "7",
          R"({"metadata":7,"spec":[]})",
          R"({"metadata":{"ownerReferences":{}},"spec":{"selector":[1],"rules":[7],"template":7}})",
          R"({"subjects":[7,{"kind":"ServiceAccount"}],"webhooks":{"a":1}})"}) {
        for (const auto* kind : {"pods",
                                 "services",
                                 "deployments.apps",
                                 "statefulsets.apps",
                                 "ingresses.networking.k8s.io",
                                 "poddisruptionbudgets.policy",
                                 "rolebindings.rbac.authorization.k8s.io",
                                 "widgets.example.com",
                                 "apiservices.apiregistration.k8s.io",
                                 "scaledobjects.keda.sh"}) {
            CAPTURE(json, kind);
            const auto found = links(kind, json);
            CHECK(found.owners.empty());
            CHECK(found.attached_to.empty());
            CHECK_FALSE(found.selects);
        }
    }
}
