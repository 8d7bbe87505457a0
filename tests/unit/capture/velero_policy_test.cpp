// SPDX-License-Identifier: Apache-2.0
#include "core/capture/velero_policy.hpp"

#include "core/base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

using namespace backup;
using namespace backup::capture;
using backup::testing::error_of;

namespace {

using Texts = std::vector<std::string>;

std::string failure(const std::string& body) {
    const auto error = error_of([&] { return parse_policy("version: v1\n" + body); });
    CHECK(error.code() == ErrorCode::InvalidArgument);
    return error.what();
}

VolumeFacts make_volume(std::uint64_t gib, std::string_view type) {
    VolumeFacts volume;
    volume.claim = "data";
    volume.bytes = gib << 30U;
    volume.type = type;
    return volume;
}

}  // namespace

TEST_CASE("Velero's volume policies become volume rules", "[velero_policy]") {
    const auto policy = parse_policy(R"(version: v1
volumePolicies:
- conditions:
    capacity: "10Gi,100Gi"
    storageClass: [gp2, ebs-sc]
    csi: {driver: ebs.csi.aws.com, volumeAttributes: {tier: gold}}
    pvcLabels: {environment: production, app: db}
    pvcPhase: [Bound, Lost]
    pvcVolumeMode: Block
    pvcAccessModes: [ReadWriteOnce]
  action: {type: snapshot, parameters: {snapshotClass: daily, dataMover: velero}}
- conditions: {nfs: {server: 192.168.1.2}, capacity: "0,"}
  action: {type: fs-backup}
- conditions: {volumeTypes: [emptyDir, downwardAPI, configmap, cinder], capacity: ",5Gi"}
  action: {type: skip}
- conditions: {csi: {}}
  action: {type: custom}
)");
    REQUIRE(policy.volumes.size() == 4);
    const auto& first = policy.volumes[0];
    CHECK(first.name == "Velero policy volumePolicies[0]");
    CHECK(first.action == VolumeAction::Snapshot);
    CHECK(first.snapshot_class == "daily");
    CHECK(first.match.size == SizeRange{10ULL << 30U, 100ULL << 30U});
    CHECK(first.match.storage_classes == Texts{"gp2", "ebs-sc"});
    CHECK(first.match.drivers == Texts{"ebs.csi.aws.com"});
    CHECK(first.match.types == Texts{"csi"});
    CHECK(first.match.attributes == model::Labels{{"tier", "gold"}});
    CHECK(model::format_label_selector(*first.match.selector) == "app=db,environment=production");
    CHECK(first.match.phases == Texts{"Bound", "Lost"});
    CHECK(first.match.is_block == true);
    CHECK(first.match.only_these_access_modes);

    CHECK(policy.volumes[1].action == VolumeAction::Live);
    CHECK(policy.volumes[1].match.types == Texts{"nfs"});
    CHECK_FALSE(policy.volumes[1].match.size);
    CHECK(policy.volumes[2].action == VolumeAction::Skip);
    CHECK(policy.volumes[2].match.size == SizeRange{0, 5ULL << 30U});
    CHECK(policy.volumes[3].action == VolumeAction::Auto);
    REQUIRE(policy.warnings.size() == 1);
    CHECK(policy.warnings.front().starts_with("Velero policy volumePolicies[3]: "));
}

TEST_CASE("the first Velero policy that matches counts, also one without conditions",
          "[velero_policy]") {
    const auto policy = parse_policy(R"(version: v1
volumePolicies:
- conditions: {capacity: "0,1Gi"}
  action: {type: skip}
- conditions: {}
  action: {type: fs-backup}
)");
    CHECK(choose_volume(make_volume(1, "csi"), policy.volumes).action == VolumeAction::Skip);
    CHECK(choose_volume(make_volume(2, "nfs"), policy.volumes).action == VolumeAction::Live);
}

TEST_CASE("a Velero policy takes an emptyDir that nobody names only by its type",
          "[velero_policy]") {
    VolumeFacts scratch;
    scratch.type = "emptyDir";
    for (const std::string action : {"fs-backup", "snapshot"}) {
        CAPTURE(action);
        const auto all =
            parse_policy(concat("version: v1\nvolumePolicies: [{conditions: {}, "
                                "action: {type: ",
                                action,
                                "}}]\n"));
        CHECK(choose_volume(scratch, all.volumes).reason == model::SkipReason::OnlyWhenNamed);
    }
    const auto listed = parse_policy(R"(version: v1
volumePolicies:
- conditions: {volumeTypes: [emptyDir]}
  action: {type: fs-backup}
)");
    CHECK(choose_volume(scratch, listed.volumes).action == VolumeAction::Live);
}

TEST_CASE("Velero's include and exclude lists", "[velero_policy]") {
    const auto policy = parse_policy(R"(version: v1
includeExcludePolicy:
  includedClusterScopedResources: [storageclasses]
  excludedClusterScopedResources: [nodes]
  includedNamespaceScopedResources: [pods, configmaps]
  excludedNamespaceScopedResources: [secrets, events]
)");
    CHECK(policy.scope.exclude_resources == Texts{"nodes", "secrets", "events"});
    CHECK(policy.scope.include_resources.empty());
    CHECK(policy.scope.cluster_resources == "all");
    REQUIRE(policy.filters.size() == 2);
    CHECK(policy.filters[0].namespaces == Texts{"*"});
    CHECK(policy.filters[0].kinds[0].kinds == Texts{"pods", "configmaps"});
    CHECK(policy.filters[1].namespaces.empty());
    REQUIRE(policy.filters[1].kinds.size() == 2);
    CHECK(policy.filters[1].kinds[0].kinds == Texts{"storageclasses"});
    CHECK(policy.filters[1].kinds[1].exclude_names == Texts{"*"});
}

TEST_CASE("Velero's fine-grained filters", "[velero_policy]") {
    const auto policy = parse_policy(R"(version: v1
includeExcludePolicy: {includedNamespaceScopedResources: [pods]}
namespacedFilterPolicies:
- namespaces: [frontend, "team-*"]
  resourceFilters:
  - kinds: [Pod, ConfigMap]
    labelSelector: {app: web}
    names: ["app-*"]
    excludedNames: [app-tmp]
  - kinds: [Secret]
    orLabelSelectors:
    - {env: prod}
    - matchExpressions: [{key: keep, operator: Exists}]
  - kinds: ["*"]
clusterScopedFilterPolicy:
  resourceFilters: [{kinds: [StorageClass], names: [fast]}]
)");
    REQUIRE(policy.filters.size() == 3);
    const auto& kinds = policy.filters[0].kinds;
    CHECK(policy.filters[0].namespaces == Texts{"frontend", "team-*"});
    REQUIRE(kinds.size() == 3);
    CHECK(kinds[0].kinds == Texts{"Pod", "ConfigMap"});
    CHECK(model::format_label_selector(kinds[0].selectors.at(0)) == "app=web");
    CHECK(kinds[0].names == Texts{"app-*"});
    CHECK(kinds[0].exclude_names == Texts{"app-tmp"});
    REQUIRE(kinds[1].selectors.size() == 2);
    CHECK(model::format_label_selector(kinds[1].selectors[1]) == "keep");
    CHECK(kinds[2] == KindFilter());
    // The policy of the namespace counts before the one for all.
    CHECK(policy.filters[1].namespaces == Texts{"*"});
    CHECK(policy.filters[2].kinds.at(0).names == Texts{"fast"});
}

TEST_CASE("what Velero refuses is refused, with the line", "[velero_policy]") {
    const auto [body, expected] = GENERATE(table<std::string, std::string>({
        {"volumePolices: []", "line 2: volumePolices: unknown member"},
        {"volumePolicies:\n- conditions: {}\n", "line 3: volumePolicies[0]: it has no action"},
        {"volumePolicies:\n- action: {}\n", "line 3: volumePolicies[0].action: it has no type"},
        {"volumePolicies:\n- action: {type: fsbackup}\n",
         "line 3: volumePolicies[0].action.type: unknown value 'fsbackup'"},
        {"volumePolicies:\n- conditions: {capacity: 10Gi}\n  action: {type: skip}\n",
         "line 3: volumePolicies[0].conditions.capacity: two sizes"},
        {"volumePolicies:\n- conditions: {capacity: '2Gi,1Gi'}\n  action: {type: skip}\n",
         "line 3: volumePolicies[0].conditions.capacity: the first size is larger"},
        {"volumePolicies:\n- conditions: {capacity: 'x,1Gi'}\n  action: {type: skip}\n",
         "line 3: volumePolicies[0].conditions.capacity: 'x' is no size"},
        {"volumePolicies:\n- conditions: {csi: {volumeAttributes: {a: b}}}\n  action: {type: "
         "skip}\n",
         "line 3: volumePolicies[0].conditions.csi: volumeAttributes need a driver"},
        {"volumePolicies:\n- conditions: {nfs: {}, csi: {}}\n  action: {type: skip}\n",
         "line 3: volumePolicies[0].conditions.csi: no volume is of nfs and csi"},
        {"volumePolicies:\n- conditions: {pvcName: a}\n  action: {type: skip}\n",
         "line 3: volumePolicies[0].conditions.pvcName: unknown member"},
        {"includeExcludePolicy: {includedClusterScopedResources: ['*']}",
         "line 2: includeExcludePolicy.includedClusterScopedResources: '*' is not allowed here"},
        {"includeExcludePolicy:\n  includedNamespaceScopedResources: [pods]\n"
         "  excludedNamespaceScopedResources: [pods]\n",
         "line 2: includeExcludePolicy: pods is included and excluded"},
        {"namespacedFilterPolicies:\n- resourceFilters: [{}]\n",
         "line 3: namespacedFilterPolicies[0]: it has no namespaces"},
        {"namespacedFilterPolicies:\n- namespaces: [a]\n",
         "line 3: namespacedFilterPolicies[0]: it has no resourceFilters"},
        {"namespacedFilterPolicies:\n- namespaces: [a]\n  resourceFilters:\n  - names: [x]\n",
         "line 5: namespacedFilterPolicies[0].resourceFilters[0]: names need kinds"},
        {"namespacedFilterPolicies:\n- namespaces: [a]\n  resourceFilters:\n"
         "  - {labelSelector: {a: b}, orLabelSelectors: [{a: b}]}\n",
         "line 5: namespacedFilterPolicies[0].resourceFilters[0].orLabelSelectors: "},
        {"clusterScopedFilterPolicy: {resourceFilters: [{kinds: ['*']}]}",
         "line 2: clusterScopedFilterPolicy: each of its resourceFilters needs kinds"},
    }));
    CAPTURE(body, expected);
    const auto text = failure(body);
    CAPTURE(text);
    CHECK(text.starts_with(expected));
}

TEST_CASE("the version is looked at", "[velero_policy]") {
    const auto refused = [](const std::string& text) {
        return std::string(error_of([&] { return parse_policy(text); }).what());
    };
    CHECK(refused("version: v2\n") == "line 1: version: version has to be v1");
    CHECK(refused("volumePolicies: []\n") == "line 1: version has to be v1");
}
