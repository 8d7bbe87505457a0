// SPDX-License-Identifier: Apache-2.0
#include "core/capture/kind_defaults.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <array>

namespace backup::capture {

namespace {

constexpr std::string_view kShortLived = "short-lived record of the running cluster";
constexpr std::string_view kNodeBound = "state of one cluster node";
constexpr std::string_view kInternal = "internal to the API server";
constexpr std::string_view kMetrics = "measured, not stored";
constexpr std::string_view kGenerated = "made again by a controller";
constexpr std::string_view kPerCluster = "made by each cluster for itself";

constexpr std::array kRules = {
    KindRule{"events", kShortLived},
    KindRule{"events.events.k8s.io", kShortLived},
    KindRule{"leases.coordination.k8s.io", kShortLived},
    KindRule{"leasecandidates.coordination.k8s.io", kShortLived},
    KindRule{"certificatesigningrequests.certificates.k8s.io", kShortLived},
    KindRule{"podcertificaterequests.certificates.k8s.io", kShortLived},
    KindRule{"csinodes.storage.k8s.io", kNodeBound},
    KindRule{"csistoragecapacities.storage.k8s.io", kNodeBound},
    KindRule{"volumeattachments.storage.k8s.io", kNodeBound},
    KindRule{"resourceslices.resource.k8s.io", kNodeBound},
    KindRule{"componentstatuses", kInternal},
    KindRule{"ipaddresses.networking.k8s.io", kInternal},
    KindRule{"servicecidrs.networking.k8s.io", kInternal},
    KindRule{"storageversions.internal.apiserver.k8s.io", kInternal},
    KindRule{"storageversionmigrations.migration.k8s.io", kInternal},
    KindRule{"storageversionmigrations.storagemigration.k8s.io", kInternal},
    KindRule{"*.metrics.k8s.io", kMetrics},

    KindRule{.resource = "services", .reason = kPerCluster, .ns = "default", .name = "kubernetes"},
    KindRule{.resource = "endpoints", .reason = kPerCluster, .ns = "default", .name = "kubernetes"},
    KindRule{.resource = "endpointslices.discovery.k8s.io",
             .reason = kPerCluster,
             .ns = "default",
             .name = "kubernetes"},
    KindRule{.resource = "endpointslices.discovery.k8s.io",
             .reason = kGenerated,
             .field = RuleField::Label,
             .key = "endpointslice.kubernetes.io/managed-by",
             .value = "endpointslice*-controller.k8s.io"},
    KindRule{.resource = "endpoints",
             .reason = kGenerated,
             .field = RuleField::Label,
             .key = "endpoints.kubernetes.io/managed-by",
             .value = "endpoint-controller"},
    KindRule{.resource = "endpoints",
             .reason = kShortLived,
             .field = RuleField::Annotation,
             .key = "control-plane.alpha.kubernetes.io/leader"},
    KindRule{.resource = "configmaps", .reason = kPerCluster, .name = "kube-root-ca.crt"},
    KindRule{.resource = "configmaps", .reason = kPerCluster, .name = "openshift-service-ca.crt"},
    KindRule{.resource = "configmaps", .reason = kPerCluster, .name = "istio-ca-root-cert"},
    // Those with a spec.signerName, which its controller keeps: only they have ':' in their names
    // (KEP-3257).
    KindRule{.resource = "clustertrustbundles.certificates.k8s.io",
             .reason = kPerCluster,
             .name = "*:*"},
    KindRule{.resource = "secrets",
             .reason = kShortLived,
             .field = RuleField::Type,
             .value = "bootstrap.kubernetes.io/token"},
    KindRule{.resource = "apiservices.apiregistration.k8s.io",
             .reason = kGenerated,
             .field = RuleField::Label,
             .key = "kube-aggregator.kubernetes.io/automanaged"},
    KindRule{.resource = "flowschemas.flowcontrol.apiserver.k8s.io",
             .reason = kPerCluster,
             .field = RuleField::Annotation,
             .key = "apf.kubernetes.io/autoupdate-spec",
             .value = "true"},
    KindRule{.resource = "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io",
             .reason = kPerCluster,
             .field = RuleField::Annotation,
             .key = "apf.kubernetes.io/autoupdate-spec",
             .value = "true"},
    KindRule{.resource = "*",
             .reason = "belongs to a running backup",
             .field = RuleField::Label,
             .key = "app.kubernetes.io/managed-by",
             .value = "kubectl-backup",
             .label = "kubectl-backup/run"},
};

struct GeneratedKind {
    std::string_view resource;  // pattern
    std::string_view reason;
};

constexpr std::string_view kByNetwork = "made again by the network plugin";
constexpr std::string_view kByStorage = "made again by the storage system";
constexpr std::string_view kByScanner = "made again by the next scan";
constexpr std::string_view kByCertificates = "made again when a certificate is asked for";
constexpr std::string_view kOfBackupTool = "record of a backup program about its own backups";

constexpr std::array kGeneratedKinds = {
    GeneratedKind{"nodes", "names the machines of this cluster"},
    GeneratedKind{"volumesnapshots.snapshot.storage.k8s.io",
                  "points to a snapshot of this cluster"},
    GeneratedKind{"volumesnapshotcontents.snapshot.storage.k8s.io",
                  "points to a snapshot of this cluster"},
    GeneratedKind{"ciliumendpoints.cilium.io", kByNetwork},
    GeneratedKind{"ciliumendpointslices.cilium.io", kByNetwork},
    GeneratedKind{"ciliumidentities.cilium.io", kByNetwork},
    GeneratedKind{"ciliumnodes.cilium.io", kByNetwork},
    GeneratedKind{"ipamblocks.crd.projectcalico.org", kByNetwork},
    GeneratedKind{"ipamhandles.crd.projectcalico.org", kByNetwork},
    GeneratedKind{"blockaffinities.crd.projectcalico.org", kByNetwork},
    GeneratedKind{"engines.longhorn.io", kByStorage},
    GeneratedKind{"replicas.longhorn.io", kByStorage},
    GeneratedKind{"nodes.longhorn.io", kByStorage},
    GeneratedKind{"policyreports.wgpolicyk8s.io", kByScanner},
    GeneratedKind{"clusterpolicyreports.wgpolicyk8s.io", kByScanner},
    GeneratedKind{"*reports.aquasecurity.github.io", kByScanner},
    GeneratedKind{"certificaterequests.cert-manager.io", kByCertificates},
    GeneratedKind{"orders.acme.cert-manager.io", kByCertificates},
    GeneratedKind{"challenges.acme.cert-manager.io", kByCertificates},
    GeneratedKind{"*.velero.io", kOfBackupTool},
    GeneratedKind{"*.k8up.io", kOfBackupTool},
    GeneratedKind{"*.kubestash.com", kOfBackupTool},
    GeneratedKind{"*.volsync.backube", kOfBackupTool},
};

constexpr std::array<std::string_view, 3> kSystemNamespaces = {
    "kube-system", "kube-public", "kube-node-lease"};

bool is_value(const KindRule& rule, const std::string& value) {
    return rule.value.empty() || matches_glob(rule.value, value);
}

bool has_value(const KindRule& rule, const model::Labels& map) {
    const auto found = map.find(rule.key);
    return found != map.end() && is_value(rule, found->second);
}

bool field_matches(const KindRule& rule, const ObjectFacts& object) {
    switch (rule.field) {
        case RuleField::None:
            return true;
        case RuleField::Label:
            return has_value(rule, object.labels);
        case RuleField::Annotation:
            return has_value(rule, object.annotations);
        case RuleField::Type:
            return is_value(rule, object.type);
    }
    return false;
}

}  // namespace

std::span<const KindRule> kind_rules() {
    return kRules;
}

const KindRule* find_kind_rule(std::string_view resource) {
    const auto* const found = std::find_if(kRules.begin(), kRules.end(), [&](const KindRule& rule) {
        return rule.covers_whole_kind() && matches_glob(rule.resource, resource);
    });
    return found == kRules.end() ? nullptr : found;
}

const KindRule* find_object_rule(const ObjectFacts& object) {
    const auto* const found = std::find_if(kRules.begin(), kRules.end(), [&](const KindRule& rule) {
        return matches_glob(rule.resource, object.key.resource) &&
               (rule.ns.empty() || rule.ns == object.key.ns) &&
               (rule.name.empty() || matches_glob(rule.name, object.key.name)) &&
               (rule.label.empty() || object.labels.contains(rule.label)) &&
               field_matches(rule, object);
    });
    return found == kRules.end() ? nullptr : found;
}

std::string_view find_generated(std::string_view resource) {
    const auto* const found = std::find_if(
        kGeneratedKinds.begin(), kGeneratedKinds.end(), [resource](const GeneratedKind& kind) {
            return matches_glob(kind.resource, resource);
        });
    return found == kGeneratedKinds.end() ? std::string_view() : found->reason;
}

bool is_system_namespace(std::string_view name) {
    return std::find(kSystemNamespaces.begin(), kSystemNamespaces.end(), name) !=
           kSystemNamespaces.end();
}

}  // namespace backup::capture
