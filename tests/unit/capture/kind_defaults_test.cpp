// SPDX-License-Identifier: Apache-2.0
#include "core/capture/kind_defaults.hpp"

#include "tests/support/catch.hpp"
#include "tests/unit/capture/make_object.hpp"

using namespace backup;
using namespace backup::capture;
using backup::testing::make_facts;

TEST_CASE("kinds that are never stored need no list", "[kind_defaults]") {
    const auto name = GENERATE(as<std::string>(),
                               "events",
                               "events.events.k8s.io",
                               "leases.coordination.k8s.io",
                               "csinodes.storage.k8s.io",
                               "pods.metrics.k8s.io",
                               "widgets.custom.metrics.k8s.io");
    CAPTURE(name);
    CHECK(find_kind_rule(name) != nullptr);
}

TEST_CASE("kinds of which only some objects are left out are listed", "[kind_defaults]") {
    const auto name = GENERATE(as<std::string>(),
                               "pods",
                               "secrets",
                               "configmaps",
                               "endpoints",
                               "endpointslices.discovery.k8s.io",
                               "storageclasses.storage.k8s.io",
                               "nodes",
                               "clustertrustbundles.certificates.k8s.io",
                               "widgets.example.com");
    CAPTURE(name);
    CHECK(find_kind_rule(name) == nullptr);
}

TEST_CASE("objects that a cluster makes for itself are left out", "[kind_defaults]") {
    auto object = make_facts("configmaps", "shop", "settings");
    bool is_left_out = true;
    SECTION("an ordinary one") {
        is_left_out = false;
    }
    SECTION("the root certificate") {
        object.key.name = "kube-root-ca.crt";
    }
    SECTION("of a running backup") {
        object.labels["app.kubernetes.io/managed-by"] = "kubectl-backup";
        object.labels["kubectl-backup/run"] = "0011";
    }
    SECTION("of somebody who says that we manage it") {
        object.labels["app.kubernetes.io/managed-by"] = "kubectl-backup";
        is_left_out = false;
    }
    SECTION("with the label of a run alone") {
        object.labels["kubectl-backup/run"] = "0011";
        is_left_out = false;
    }
    SECTION("a bootstrap token") {
        object = make_facts("secrets", "kube-system", "bootstrap-token-abc");
        object.type = "bootstrap.kubernetes.io/token";
    }
    SECTION("the trust bundle of a signer") {
        object = make_facts(
            "clustertrustbundles.certificates.k8s.io", "", "kubernetes.io:kube-apiserver:x");
    }
    SECTION("a trust bundle made by hand") {
        object = make_facts("clustertrustbundles.certificates.k8s.io", "", "our-ca");
        is_left_out = false;
    }
    SECTION("a Helm release") {
        object = make_facts("secrets", "shop", "sh.helm.release.v1.shop.v1");
        object.type = "helm.sh/release.v1";
        is_left_out = false;
    }
    SECTION("the API server's Service") {
        object = make_facts("services", "default", "kubernetes");
    }
    SECTION("a Service of that name elsewhere") {
        object = make_facts("services", "shop", "kubernetes");
        is_left_out = false;
    }
    SECTION("slices of a Service") {
        object = make_facts("endpointslices.discovery.k8s.io", "shop", "web-x");
        object.labels["endpointslice.kubernetes.io/managed-by"] = "endpointslice-controller.k8s.io";
    }
    SECTION("mirrored slices") {
        object = make_facts("endpointslices.discovery.k8s.io", "shop", "web-x");
        object.labels["endpointslice.kubernetes.io/managed-by"] =
            "endpointslicemirroring-controller.k8s.io";
    }
    SECTION("slices made by hand") {
        object = make_facts("endpointslices.discovery.k8s.io", "shop", "web-x");
        object.labels["endpointslice.kubernetes.io/managed-by"] = "somebody";
        is_left_out = false;
    }
    SECTION("an APIService of the API server itself") {
        object = make_facts("apiservices.apiregistration.k8s.io", "", "v1.apps");
        object.labels["kube-aggregator.kubernetes.io/automanaged"] = "onstart";
    }
    CHECK((find_object_rule(object) != nullptr) == is_left_out);
}

TEST_CASE("every rule says why", "[kind_defaults]") {
    for (const auto& rule : kind_rules()) {
        CAPTURE(rule.resource);
        CHECK_FALSE(rule.reason.empty());
    }
}

TEST_CASE("kinds that are made again are known, and stored all the same", "[kind_defaults]") {
    for (const auto* const kind : {"nodes",
                                   "ciliumendpoints.cilium.io",
                                   "vulnerabilityreports.aquasecurity.github.io",
                                   "orders.acme.cert-manager.io",
                                   "volumesnapshots.snapshot.storage.k8s.io",
                                   "backups.velero.io"}) {
        CAPTURE(kind);
        CHECK_FALSE(find_generated(kind).empty());
        CHECK(find_kind_rule(kind) == nullptr);
    }
    for (const auto* const kind : {"pods",
                                   "certificates.cert-manager.io",
                                   "volumes.longhorn.io",
                                   "volumesnapshotclasses.snapshot.storage.k8s.io"}) {
        CAPTURE(kind);
        CHECK(find_generated(kind).empty());
    }
}
