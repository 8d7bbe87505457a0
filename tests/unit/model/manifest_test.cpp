// SPDX-License-Identifier: Apache-2.0
#include "core/model/manifest.hpp"

#include "tests/support/catch.hpp"

#include <string>
#include <vector>

namespace backup::model {
namespace {

struct Case {
    std::string name;
    ManifestType type;
    std::string given;
    std::string wanted;
};

void check(const Case& row) {
    INFO(row.name);
    CHECK(format_json(clean_manifest(parse_json(row.given), row.type)) ==
          format_json(parse_json(row.wanted)));
}

TEST_CASE("metadata that only the server sets goes, for every kind") {
    const std::vector<Case> rows = {
        {"all of it",
         {"v1", "ConfigMap"},
         R"({"data":{"a":"b"},"metadata":{"name":"c","namespace":"n","uid":"1","resourceVersion":"2",
             "generation":3,"creationTimestamp":"t","deletionTimestamp":"t",
             "deletionGracePeriodSeconds":1,"selfLink":"/x","managedFields":[{}],
             "ownerReferences":[{}],"generateName":"c-","labels":{"l":"1"}},"status":{"x":1}})",
         R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","namespace":"n",
             "labels":{"l":"1"}},"data":{"a":"b"}})"},
        {"the object's own kind wins",
         {"v1", "ConfigMap"},
         R"({"kind":"Widget","apiVersion":"example.com/v1","metadata":{"name":"w"},"spec":{"n":1.50}})",
         R"({"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w"},"spec":{"n":1.50}})"},
        {"generateName without a name stays",
         {"v1", "Pod"},
         R"({"metadata":{"generateName":"p-"}})",
         R"({"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"p-"}})"},
        {"annotations of state go, others stay",
         {"apps/v1", "Deployment"},
         R"({"metadata":{"name":"d","annotations":{"deployment.kubernetes.io/revision":"4","own":"x"}}})",
         R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d","annotations":{"own":"x"}}})"},
        {"no empty annotations are left",
         {"v1", "ConfigMap"},
         R"({"metadata":{"name":"d","annotations":{"control-plane.alpha.kubernetes.io/leader":"4"}}})",
         R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"d"}})"},
        {"finalizers of the server go, others stay",
         {"v1", "PersistentVolume"},
         R"({"metadata":{"name":"v","finalizers":["kubernetes.io/pv-protection","external-attacher/x",
             "example.com/mine"]}})",
         R"({"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"v",
             "finalizers":["example.com/mine"]}})"},
    };
    for (const auto& row : rows) {
        check(row);
    }
}

TEST_CASE("services lose what was allocated and keep what was chosen") {
    const std::string chosen =
        R"({\"spec\":{\"healthCheckNodePort\":31000,\"ports\":[{\"nodePort\":30080,\"port\":80}]}})";
    const std::vector<Case> rows = {
        {"allocated",
         {"v1", "Service"},
         R"({"metadata":{"name":"s"},"spec":{"clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1"],
             "healthCheckNodePort":31000,"ports":[{"port":80,"nodePort":30080}],"type":"NodePort"}})",
         R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},
             "spec":{"ports":[{"port":80}],"type":"NodePort"}})"},
        {"headless",
         {"v1", "Service"},
         R"({"metadata":{"name":"s"},"spec":{"clusterIP":"None","clusterIPs":["None"]}})",
         R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},
             "spec":{"clusterIP":"None","clusterIPs":["None"]}})"},
        {"chosen, as kubectl apply says",
         {"v1", "Service"},
         R"({"metadata":{"name":"s","annotations":{"kubectl.kubernetes.io/last-applied-configuration":")" +
             chosen + R"("}},"spec":{"healthCheckNodePort":31000,
             "ports":[{"port":80,"nodePort":30080},{"port":81,"nodePort":3008}]}})",
         R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"s",
             "annotations":{"kubectl.kubernetes.io/last-applied-configuration":")" +
             chosen + R"("}},"spec":{"healthCheckNodePort":31000,
             "ports":[{"port":80,"nodePort":30080},{"port":81}]}})"},
        {"chosen, as managed fields say",
         {"v1", "Service"},
         R"({"metadata":{"name":"s","managedFields":[{"fieldsV1":{"f:spec":{"f:ports":{
             "k:{\"port\":80,\"protocol\":\"TCP\"}":{"f:nodePort":{}},
             "k:{\"port\":81,\"protocol\":\"TCP\"}":{"f:port":{}}}}}}]},
             "spec":{"ports":[{"port":80,"nodePort":30080},{"port":81,"nodePort":30081},
             {"port":80,"protocol":"UDP","nodePort":30082}]}})",
         R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},
             "spec":{"ports":[{"port":80,"nodePort":30080},{"port":81},{"port":80,"protocol":"UDP"}]}})"},
        {"a service of another group is not touched",
         {"serving.knative.dev/v1", "Service"},
         R"({"metadata":{"name":"s"},"spec":{"clusterIP":"10.0.0.1"}})",
         R"({"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":"s"},
             "spec":{"clusterIP":"10.0.0.1"}})"},
    };
    for (const auto& row : rows) {
        check(row);
    }
}

TEST_CASE("pods lose their node and what admission put in") {
    const std::vector<Case> rows = {
        {"token volume, node, tolerations",
         {"v1", "Pod"},
         R"({"metadata":{"name":"p","labels":{"controller-uid":"1","app":"x"}},"spec":{
             "nodeName":"n1","priority":0,"preemptionPolicy":"PreemptLowerPriority",
             "ephemeralContainers":[{}],"serviceAccountName":"sa",
             "volumes":[{"name":"data"},{"name":"kube-api-access-x","projected":{}}],
             "containers":[{"name":"c","volumeMounts":[{"name":"data"},{"name":"kube-api-access-x"}]},
               {"name":"d","volumeMounts":[{"name":"kube-api-access-x"}]}],
             "tolerations":[{"effect":"NoExecute","key":"node.kubernetes.io/not-ready",
               "operator":"Exists","tolerationSeconds":300},{"key":"mine","operator":"Exists"}]}})",
         R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","labels":{"app":"x"}},"spec":{
             "serviceAccountName":"sa","volumes":[{"name":"data"}],
             "containers":[{"name":"c","volumeMounts":[{"name":"data"}]},{"name":"d"}],
             "tolerations":[{"key":"mine","operator":"Exists"}]}})"},
        {"token secret of old servers",
         {"v1", "Pod"},
         R"({"metadata":{"name":"p"},"spec":{"serviceAccountName":"sa",
             "volumes":[{"name":"sa-token-abcde","secret":{}},{"name":"sa-token-x","emptyDir":{}}],
             "initContainers":[{"name":"i","volumeMounts":[{"name":"sa-token-abcde"}]}]}})",
         R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"serviceAccountName":"sa",
             "volumes":[{"name":"sa-token-x","emptyDir":{}}],"initContainers":[{"name":"i"}]}})"},
        {"a toleration somebody changed stays",
         {"v1", "Pod"},
         R"({"metadata":{"name":"p"},"spec":{"tolerations":[{"effect":"NoExecute",
             "key":"node.kubernetes.io/not-ready","operator":"Exists","tolerationSeconds":60}]}})",
         R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"tolerations":[{
             "effect":"NoExecute","key":"node.kubernetes.io/not-ready","operator":"Exists",
             "tolerationSeconds":60}]}})"},
    };
    for (const auto& row : rows) {
        check(row);
    }
}

TEST_CASE("storage lets go of its binding") {
    const std::vector<Case> rows = {
        {"a bound claim",
         {"v1", "PersistentVolumeClaim"},
         R"({"metadata":{"name":"c","annotations":{"pv.kubernetes.io/bind-completed":"yes",
             "volume.kubernetes.io/selected-node":"n"},"finalizers":["kubernetes.io/pvc-protection"]},
             "spec":{"volumeName":"pvc-1","dataSource":{"name":"x"},"dataSourceRef":{"name":"x"},
             "storageClassName":"s"},"status":{"phase":"Bound"}})",
         R"({"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"c"},
             "spec":{"storageClassName":"s"}})"},
        {"an unbound claim keeps its source",
         {"v1", "PersistentVolumeClaim"},
         R"({"metadata":{"name":"c"},"spec":{"dataSource":{"name":"x"}}})",
         R"({"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"c"},
             "spec":{"dataSource":{"name":"x"}}})"},
        {"a volume",
         {"v1", "PersistentVolume"},
         R"({"metadata":{"name":"v"},"spec":{"claimRef":{"name":"c","namespace":"n","uid":"1",
             "resourceVersion":"2"}}})",
         R"({"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"v"},
             "spec":{"claimRef":{"name":"c","namespace":"n"}}})"},
    };
    for (const auto& row : rows) {
        check(row);
    }
}

TEST_CASE("workloads and jobs") {
    const std::vector<Case> rows = {
        {"a stateful set",
         {"apps/v1", "StatefulSet"},
         R"({"metadata":{"name":"s"},"spec":{"template":{"metadata":{"creationTimestamp":null,
             "labels":{"a":"b"}}},"volumeClaimTemplates":[{"metadata":{"name":"d",
             "creationTimestamp":null},"spec":{},"status":{"phase":"Pending"}}]}})",
         R"({"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"s"},"spec":{
             "template":{"metadata":{"labels":{"a":"b"}}},
             "volumeClaimTemplates":[{"metadata":{"name":"d"},"spec":{}}]}})"},
        {"a job with a selector of the controller",
         {"batch/v1", "Job"},
         R"({"metadata":{"name":"j","labels":{"controller-uid":"1","job-name":"j"}},"spec":{
             "selector":{"matchLabels":{"controller-uid":"1"}},"template":{"metadata":{"labels":{
             "controller-uid":"1","job-name":"j","batch.kubernetes.io/controller-uid":"1",
             "batch.kubernetes.io/job-name":"j"}},"spec":{}}}})",
         R"({"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"j","labels":{"job-name":"j"}},
             "spec":{"template":{"metadata":{},"spec":{}}}})"},
        {"a job with a selector of its own",
         {"batch/v1", "Job"},
         R"({"metadata":{"name":"j"},"spec":{"manualSelector":true,
             "selector":{"matchLabels":{"a":"1"}},"template":{"metadata":{"labels":{"a":"1"}}}}})",
         R"({"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"j"},"spec":{
             "manualSelector":true,"selector":{"matchLabels":{"a":"1"}},
             "template":{"metadata":{"labels":{"a":"1"}}}}})"},
        {"a cron job",
         {"batch/v1", "CronJob"},
         R"({"metadata":{"name":"j"},"spec":{"jobTemplate":{"metadata":{"creationTimestamp":null},
             "spec":{"template":{"metadata":{"creationTimestamp":null},"spec":{}}}}}})",
         R"({"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"j"},"spec":{
             "jobTemplate":{"metadata":{},"spec":{"template":{"metadata":{},"spec":{}}}}}})"},
    };
    for (const auto& row : rows) {
        check(row);
    }
}

TEST_CASE("accounts, secrets, namespaces, roles") {
    const std::vector<Case> rows = {
        {"a service account",
         {"v1", "ServiceAccount"},
         R"({"metadata":{"name":"sa"},"secrets":[{"name":"sa-token-x"},{"name":"mine"}],
             "imagePullSecrets":[{"name":"sa-dockercfg-y"}]})",
         R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"sa"},
             "secrets":[{"name":"mine"}]})"},
        {"a token secret",
         {"v1", "Secret"},
         R"({"metadata":{"name":"t","annotations":{"kubernetes.io/service-account.name":"sa",
             "kubernetes.io/service-account.uid":"1"}},"type":"kubernetes.io/service-account-token",
             "data":{"token":"x","ca.crt":"y","namespace":"z"}})",
         R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"t","annotations":{
             "kubernetes.io/service-account.name":"sa"}},
             "type":"kubernetes.io/service-account-token"})"},
        {"another secret",
         {"v1", "Secret"},
         R"({"metadata":{"name":"t"},"type":"Opaque","data":{"token":"x"}})",
         R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"t"},"type":"Opaque",
             "data":{"token":"x"}})"},
        {"a namespace",
         {"v1", "Namespace"},
         R"({"metadata":{"name":"n","labels":{"kubernetes.io/metadata.name":"n"}},
             "spec":{"finalizers":["kubernetes"]},"status":{"phase":"Active"}})",
         R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"n",
             "labels":{"kubernetes.io/metadata.name":"n"}}})"},
        {"an aggregating role",
         {"rbac.authorization.k8s.io/v1", "ClusterRole"},
         R"({"metadata":{"name":"r"},"aggregationRule":{},"rules":[{"verbs":["*"]}]})",
         R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole",
             "metadata":{"name":"r"},"aggregationRule":{},"rules":[]})"},
    };
    for (const auto& row : rows) {
        check(row);
    }
}

TEST_CASE("cleaning twice is cleaning once, and odd objects do not break it") {
    const std::vector<std::string> odd = {
        "[]",
        "1",
        "null",
        "{}",
        R"({"metadata":[]})",
        R"({"metadata":{"annotations":[],"finalizers":{}}})",
        R"({"metadata":{"finalizers":[1,null]},"spec":[]})",
        R"({"spec":{"ports":[1,{}],"containers":[1],"volumes":{},"tolerations":[null],"template":1}})",
        R"({"secrets":[1],"imagePullSecrets":{},"data":[]})"};
    for (const auto* kind : {"Pod",
                             "Service",
                             "Secret",
                             "ServiceAccount",
                             "PersistentVolumeClaim",
                             "PersistentVolume",
                             "Namespace"}) {
        for (const auto& text : odd) {
            INFO(kind << " " << text);
            const auto once = clean_manifest(parse_json(text), {"v1", kind});
            CHECK(clean_manifest(once, {"v1", kind}) == once);
        }
    }
    for (const auto* kind : {"StatefulSet", "Deployment"}) {
        for (const auto& text : odd) {
            CHECK_NOTHROW(clean_manifest(parse_json(text), {"apps/v1", kind}));
            CHECK_NOTHROW(clean_manifest(parse_json(text), {"batch/v1", "Job"}));
        }
    }
}

TEST_CASE("what a controller makes again is known") {
    const auto is_made = [](const std::string& text, const ManifestType& type) {
        return is_made_by_controller(parse_json(text), type);
    };
    CHECK(is_made(R"({"metadata":{"ownerReferences":[{"controller":true}]}})", {"v1", "Pod"}));
    CHECK_FALSE(is_made(R"({"metadata":{"ownerReferences":[{"kind":"X"}]}})", {"v1", "Pod"}));
    CHECK(is_made(R"({"metadata":{"name":"kube-root-ca.crt"}})", {"v1", "ConfigMap"}));
    CHECK_FALSE(is_made(R"({"metadata":{"name":"mine"}})", {"v1", "ConfigMap"}));
    CHECK(is_made(R"({"type":"kubernetes.io/service-account-token","metadata":{"name":"sa-token-1",
        "annotations":{"kubernetes.io/service-account.name":"sa"}}})",
                  {"v1", "Secret"}));
    CHECK_FALSE(is_made(R"({"type":"kubernetes.io/service-account-token","metadata":{"name":"mine",
        "annotations":{"kubernetes.io/service-account.name":"sa"}}})",
                        {"v1", "Secret"}));
    CHECK(is_made(R"({"metadata":{"annotations":{"kubernetes.io/config.mirror":"1"}}})",
                  {"v1", "Pod"}));
    CHECK(is_made(R"({"metadata":{"labels":{
        "endpointslice.kubernetes.io/managed-by":"endpointslice-controller.k8s.io"}}})",
                  {"discovery.k8s.io/v1", "EndpointSlice"}));
    CHECK_FALSE(is_made(R"({"metadata":{"name":"mine"}})", {"v1", "Endpoints"}));
}

}  // namespace
}  // namespace backup::model
