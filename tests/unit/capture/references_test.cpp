// SPDX-License-Identifier: Apache-2.0
#include "core/capture/references.hpp"

#include "tests/support/catch.hpp"

using namespace backup;
using namespace backup::capture;

namespace {

std::string references(std::string_view resource, std::string_view json) {
    std::string text;
    for (const auto& reference : references_of(resource, "shop", parse_json(json))) {
        text += model::format_object_key(reference.key) + " ";
    }
    return text;
}

constexpr std::string_view kPodSpec = R"({
    "serviceAccountName": "web", "priorityClassName": "high", "runtimeClassName": "gvisor",
    "imagePullSecrets": [{"name": "registry"}],
    "volumes": [
        {"name": "d", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "c", "configMap": {"name": "settings"}},
        {"name": "s", "secret": {"secretName": "tls"}},
        {"name": "p", "projected": {"sources": [{"configMap": {"name": "ca"}},
                                                {"secret": {"name": "token"}},
                                                {"clusterTrustBundle": {"name": "ours"}},
                                                {"clusterTrustBundle": {"signerName": "x/y"}}]}},
        {"name": "e", "emptyDir": {}}],
    "initContainers": [{"envFrom": [{"configMapRef": {"name": "env"}}]}],
    "containers": [{"env": [{"name": "A", "value": "x"},
                            {"name": "B", "valueFrom": {"secretKeyRef": {"name": "db"}}}],
                    "envFrom": [{"secretRef": {"name": "extra"}}]}]})";

constexpr std::string_view kPodReferences =
    "clustertrustbundles.certificates.k8s.io/ours "
    "configmaps/shop/ca configmaps/shop/env configmaps/shop/settings "
    "persistentvolumeclaims/shop/data priorityclasses.scheduling.k8s.io/high "
    "runtimeclasses.node.k8s.io/gvisor secrets/shop/db secrets/shop/extra secrets/shop/registry "
    "secrets/shop/tls secrets/shop/token serviceaccounts/shop/web ";

}  // namespace

TEST_CASE("a pod needs what its spec names, wherever the spec stands", "[references]") {
    const std::string spec(kPodSpec);
    CHECK(references("pods", R"({"spec":)" + spec + "}") == kPodReferences);
    CHECK(references("deployments.apps", R"({"spec":{"template":{"spec":)" + spec + "}}}") ==
          kPodReferences);
    CHECK(references("cronjobs.batch",
                     R"({"spec":{"jobTemplate":{"spec":{"template":{"spec":)" + spec + "}}}}}") ==
          kPodReferences);
}

TEST_CASE("a stateful set needs its service", "[references]") {
    CHECK(references("statefulsets.apps", R"({"spec":{"serviceName":"db"}})") ==
          "services/shop/db ");
}

TEST_CASE("a reference tells the field that names it", "[references]") {
    const std::string spec(kPodSpec);
    const auto why = [&](std::string_view resource, const std::string& json, const char* name) {
        std::string text;
        for (const auto& reference : references_of(resource, "shop", parse_json(json))) {
            text += reference.key.name == name ? reference.why : "";
        }
        return text;
    };
    CHECK(why("pods", R"({"spec":)" + spec + "}", "web") == "spec.serviceAccountName");
    CHECK(why("jobs.batch", R"({"spec":{"template":{"spec":)" + spec + "}}}", "db") ==
          "spec.template.spec.containers.env.valueFrom.secretKeyRef.name");
    CHECK(why("persistentvolumeclaims", R"({"spec":{"volumeName":"pv-1"}})", "pv-1") ==
          "spec.volumeName");
}

TEST_CASE("a pod brings the claims of its ephemeral volumes", "[references]") {
    CHECK(references("pods",
                     R"({"metadata":{"name":"web"},"spec":{"serviceAccountName":"web",
                         "volumes":[{"name":"scratch","ephemeral":{}}]}})") ==
          "persistentvolumeclaims/shop/web-scratch serviceaccounts/shop/web ");
}

TEST_CASE("what custom resources name is guessed from the names of members", "[references]") {
    const auto found = guess_references("shop", parse_json(R"({
        "status": {"secretName": "not-this"},
        "spec": {"secretName": "tls", "issuerRef": {"name": "ca"},
                 "auth": [{"secretRef": {"name": "password"}}, {"secretRef": "odd"}],
                 "template": {"volumes": [{"configMap": {"name": "settings"}}]},
                 "storage": {"storageClassName": "fast", "existingClaim": "data"}}})"));
    std::string text;
    for (const auto& [key, why] : found) {
        text += model::format_object_key(key) + " (" + why + ") ";
    }
    CHECK(text ==
          "configmaps/shop/settings (member configMap) "
          "persistentvolumeclaims/shop/data (member existingClaim) "
          "secrets/shop/password (member secretRef) secrets/shop/tls (member secretName) "
          "storageclasses.storage.k8s.io/fast (member storageClassName) ");
    std::string many = R"({"spec":{"list":[)";
    for (int i = 0; i < 3000; ++i) {
        many += R"({"secretName":"s)" + std::to_string(i) + R"("},)";
    }
    CHECK(guess_references("shop", parse_json(many + "{}]}}")).size() == kMostGuesses);
}

TEST_CASE("cluster-scoped objects are found from the objects that name them", "[references]") {
    CHECK(references("persistentvolumeclaims",
                     R"({"spec":{"volumeName":"pv-1","storageClassName":"fast"}})") ==
          "persistentvolumes/pv-1 storageclasses.storage.k8s.io/fast ");
    CHECK(references("ingresses.networking.k8s.io",
                     R"({"spec":{"ingressClassName":"nginx","tls":[{"secretName":"cert"}]}})") ==
          "ingressclasses.networking.k8s.io/nginx secrets/shop/cert ");
    CHECK(references("rolebindings.rbac.authorization.k8s.io",
                     R"({"roleRef":{"kind":"ClusterRole","name":"view"}})") ==
          "clusterroles.rbac.authorization.k8s.io/view ");
    CHECK(references("configmaps", R"({"data":{"spec":"x"}})").empty());
}

TEST_CASE("a claim brings the snapshot class that it would be read with", "[references]") {
    const auto annotated = [](std::string_view annotations) {
        return references("persistentvolumeclaims",
                          R"({"metadata":{"annotations":{)" + std::string(annotations) + "}}}");
    };
    CHECK(annotated(R"("kubectl-backup/snapshot-class":"ours")") ==
          "volumesnapshotclasses.snapshot.storage.k8s.io/ours ");
    CHECK(annotated(R"("velero.io/csi-volumesnapshot-class":"theirs")") ==
          "volumesnapshotclasses.snapshot.storage.k8s.io/theirs ");
    CHECK(annotated(R"("kubectl-backup/snapshot-class":"ours",
                       "velero.io/csi-volumesnapshot-class":"theirs")") ==
          "volumesnapshotclasses.snapshot.storage.k8s.io/ours ");
    CHECK(annotated(R"("kubectl-backup/snapshot-class":"",
                       "velero.io/csi-volumesnapshot-class":"theirs")") ==
          "volumesnapshotclasses.snapshot.storage.k8s.io/theirs ");
    CHECK(annotated(R"("kubectl-backup/snapshot-class":7)").empty());
}

TEST_CASE("odd shapes are no references", "[references]") {
    CHECK(references("pods", R"({"spec":{"volumes":"x","containers":[1,null]}})") ==
          "serviceaccounts/shop/default ");
    CHECK(references("pods", R"([])").empty());
}

TEST_CASE("bindings of the service accounts in scope are found", "[references]") {
    const auto [binding, expected] = GENERATE(table<std::string, bool>({
        {R"({"subjects":[{"kind":"User","name":"x"},
                         {"kind":"ServiceAccount","namespace":"shop","name":"web"}]})",
         true},
        {R"({"subjects":[{"kind":"ServiceAccount","namespace":"shop","name":"other"}]})", false},
        {R"({"subjects":[{"kind":"ServiceAccount","namespace":"data","name":"web"}]})", false},
        {R"({"subjects":[{"kind":"Group","name":"system:serviceaccounts:shop"}]})", true},
        {R"({"subjects":[{"kind":"Group","name":"system:serviceaccounts"}]})", false},
        {R"({})", false},
    }));
    CAPTURE(binding);
    CHECK(binds_service_account(parse_json(binding), {"shop/web"}, {"shop"}) == expected);
}

TEST_CASE("webhooks and API services of a namespace are found", "[references]") {
    CHECK(is_served_from(parse_json(R"({"webhooks":[{"clientConfig":{"url":"https://x"}},
                                   {"clientConfig":{"service":{"namespace":"shop"}}}]})"),
                         {"shop"}));
    CHECK(is_served_from(parse_json(R"({"spec":{"service":{"namespace":"shop"}}})"), {"shop"}));
    CHECK_FALSE(is_served_from(parse_json(R"({"spec":{"service":null}})"), {"shop"}));
}

TEST_CASE("kinds of foreign groups may be custom", "[references]") {
    CHECK(may_be_custom("example.com"));
    CHECK(may_be_custom("snapshot.storage.k8s.io"));
    CHECK_FALSE(may_be_custom(""));
    CHECK_FALSE(may_be_custom("apps"));
    CHECK_FALSE(may_be_custom("networking.k8s.io"));
}
