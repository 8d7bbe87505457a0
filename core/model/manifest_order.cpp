// SPDX-License-Identifier: Apache-2.0
#include "core/model/manifest_order.hpp"

#include <array>

namespace backup::model {
namespace {

struct Rank {
    std::string_view resource;
    int rank;
};

// Definitions, then what others refer to, then storage, then network, then what runs, then what
// would act on it or stop it while it is incomplete.
constexpr std::array<Rank, 40> kRanks = {{
    {"customresourcedefinitions.apiextensions.k8s.io", 10},
    {"namespaces", 20},
    {"priorityclasses.scheduling.k8s.io", 30},
    {"runtimeclasses.node.k8s.io", 30},
    {"storageclasses.storage.k8s.io", 30},
    {"volumesnapshotclasses.snapshot.storage.k8s.io", 30},
    {"volumeattributesclasses.storage.k8s.io", 30},
    {"ingressclasses.networking.k8s.io", 30},
    {"gatewayclasses.gateway.networking.k8s.io", 30},
    {"serviceaccounts", 40},
    {"secrets", 41},
    {"configmaps", 42},
    {"clusterroles.rbac.authorization.k8s.io", 43},
    {"clusterrolebindings.rbac.authorization.k8s.io", 44},
    {"roles.rbac.authorization.k8s.io", 45},
    {"rolebindings.rbac.authorization.k8s.io", 46},
    {"limitranges", 47},
    {"networkpolicies.networking.k8s.io", 48},
    {"persistentvolumes", 50},
    {"persistentvolumeclaims", 51},
    {"endpoints", 60},
    {"endpointslices.discovery.k8s.io", 61},
    {"services", 62},
    {"pods", 80},
    {"replicationcontrollers", 81},
    {"replicasets.apps", 82},
    {"controllerrevisions.apps", 83},
    {"statefulsets.apps", 84},
    {"daemonsets.apps", 85},
    {"deployments.apps", 86},
    {"jobs.batch", 87},
    {"cronjobs.batch", 88},
    {"horizontalpodautoscalers.autoscaling", 90},
    {"poddisruptionbudgets.policy", 91},
    {"resourcequotas", 92},
    {"ingresses.networking.k8s.io", 93},
    {"validatingadmissionpolicies.admissionregistration.k8s.io", 100},
    {"validatingadmissionpolicybindings.admissionregistration.k8s.io", 101},
    {"mutatingwebhookconfigurations.admissionregistration.k8s.io", 102},
    {"validatingwebhookconfigurations.admissionregistration.k8s.io", 102},
}};

constexpr int kCustomResources = 70;
constexpr int kApiServices = 103;

}  // namespace

int restore_rank(std::string_view resource) {
    for (const auto& known : kRanks) {
        if (known.resource == resource) {
            return known.rank;
        }
    }
    return resource == "apiservices.apiregistration.k8s.io" ? kApiServices : kCustomResources;
}

}  // namespace backup::model
