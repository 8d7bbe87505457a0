// SPDX-License-Identifier: Apache-2.0
#include "core/capture/volume_plan.hpp"

#include "tests/support/capture_scene.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

using namespace backup;
using namespace backup::capture;
using backup::testing::CaptureScene;
using backup::testing::contains;

namespace {

struct Scene : CaptureScene {
    Scene() {
        server.add_resource("volumesnapshotclasses.snapshot.storage.k8s.io", false);
        server.add_resource("nodes", false);
    }

    void add_claim(const std::string& name,
                   const std::string& spec = R"("source":1)",
                   const std::string& metadata = "") {
        server.add("persistentvolumeclaims",
                   "shop",
                   name,
                   metadata,
                   concat(R"("spec":{"volumeName":"pv-)",
                          name,
                          R"(","storageClassName":"fast","accessModes":["ReadWriteOnce"],)",
                          spec,
                          R"(},"status":{"phase":"Bound","capacity":{"storage":"1Gi"}})"));
    }

    void add_volume(const std::string& claim, const std::string& source) {
        server.add("persistentvolumes", "", "pv-" + claim, "", concat(R"("spec":{)", source, "}"));
    }

    void add_csi(const std::string& claim) {
        add_claim(claim);
        add_volume(claim, R"("csi":{"driver":"disk","volumeHandle":"h"})");
    }

    void add_class(const std::string& name, const std::string& policy = "Delete") {
        server.add("volumesnapshotclasses.snapshot.storage.k8s.io",
                   "",
                   name,
                   "",
                   concat(R"("driver":"disk","deletionPolicy":")", policy, '"'));
    }

    void add_storage_class(const std::string& members) {
        server.add("storageclasses.storage.k8s.io", "", "fast", "", members);
    }

    void add_pod(const std::string& name,
                 const std::string& claim,
                 const std::string& node,
                 const std::string& metadata = "") {
        server.add("pods",
                   "shop",
                   name,
                   metadata,
                   concat(R"("spec":{"nodeName":")",
                          node,
                          R"(","volumes":[{"name":"v","persistentVolumeClaim":{"claimName":")",
                          claim,
                          R"("}}]},"status":{"phase":"Running"})"));
    }

    /// With one volume, "v".
    void add_plain_pod(const std::string& name,
                       const std::string& source,
                       const std::string& metadata = "",
                       const std::string& phase = "Running") {
        server.add("pods",
                   "shop",
                   name,
                   metadata,
                   concat(R"("spec":{"volumes":[{"name":"v",)",
                          source,
                          R"(}]},"status":{"phase":")",
                          phase,
                          R"("})"));
    }

    VolumePlans plan(VolumeMode mode = VolumeMode::Auto) {
        kube::Client client(config(), client_options());
        Scope scope;
        scope.namespaces = {"shop"};
        scope.volumes = mode;
        scope.volume_rules = rules;
        const Names namespaces{"shop"};
        std::vector<StoredClaim> claims;
        kube::ListOptions options;
        const volume::StorageApi api;
        kube::list_objects(client,
                           api.claims,
                           options,
                           {[&](std::string_view item) {
                                const model::Object object(api.claims, std::string(item));
                                claims.push_back(read_claim(read_facts(object), object.json()));
                            },
                            {}});
        return plan_volumes({client, scope, namespaces, objects}, claims, {});
    }

    PlannedVolume only(VolumeMode mode = VolumeMode::Auto) {
        const auto plans = plan(mode);
        REQUIRE(plans.volumes.size() == 1);
        return plans.volumes.front();
    }

    std::vector<VolumeRule> rules;
    ObjectsByNamespace objects;
};

}  // namespace

TEST_CASE("a CSI volume with a snapshot class is planned as a snapshot") {
    Scene scene;
    scene.add_csi("data");
    scene.add_class("snap");
    scene.add_storage_class(R"("volumeBindingMode":"WaitForFirstConsumer")");
    scene.add_pod("web-0", "data", "node-1");
    const auto planned = scene.only();
    CHECK(planned.record.method == "snapshot");
    CHECK(planned.record.rule == "snapshot class snap, the only one of its driver");
    CHECK(planned.record.capacity_bytes == 1U << 30U);
    CHECK(planned.may_fall_back);
    volume::ClaimCopySpec copy;
    copy.snapshot_class = "snap";
    copy.claim = {"fast", {"ReadWriteOnce"}, false, 1U << 30U, true, "node-1"};
    CHECK(planned.copy == copy);
}

TEST_CASE("a ReadOnlyMany claim is made where it costs nothing") {
    Scene scene;
    scene.add_claim("data");
    scene.add_class("snap");
    SECTION("with CephFS") {
        scene.add_volume("data", R"("csi":{"driver":"rook.cephfs.csi.ceph.com"})");
        scene.server.add("volumesnapshotclasses.snapshot.storage.k8s.io",
                         "",
                         "ceph",
                         "",
                         R"("driver":"rook.cephfs.csi.ceph.com","deletionPolicy":"Delete")");
        CHECK(scene.only().copy.claim.access_modes == std::vector<std::string>{"ReadOnlyMany"});
    }
    SECTION("and where its owner says so") {
        scene.add_volume("data", R"("csi":{"driver":"disk"})");
        CHECK(scene.only().copy.claim.access_modes == std::vector<std::string>{"ReadWriteOnce"});
        scene.server.add("storageclasses.storage.k8s.io",
                         "",
                         "fast",
                         R"("annotations":{"kubectl-backup/read-only-copy":"true"})");
        CHECK(scene.only().copy.claim.access_modes == std::vector<std::string>{"ReadOnlyMany"});
        // A clone is no shallow copy.
        CHECK(scene.only(VolumeMode::Clone).copy.claim.access_modes ==
              std::vector<std::string>{"ReadWriteOnce"});
    }
}

TEST_CASE("a shared volume of many pods is read once") {
    Scene scene;
    scene.add_csi("data");
    scene.add_pod("web-0", "data", "node-1");
    scene.add_pod("web-1", "data", "node-2");
    scene.add_pod("web-2", "data", "node-3");
    CHECK(scene.plan().volumes.size() == 1);
}

TEST_CASE("missing rights rule a method out, and are named") {
    Scene scene;
    scene.add_csi("data");
    scene.add_class("snap", "Retain");
    scene.add_pod("web-0", "data", "node-1");
    SECTION("for snapshots: the next best one") {
        scene.server.refuse("review volumesnapshots");
        CHECK(scene.only().record.method == "clone");
        const auto planned = scene.only(VolumeMode::Snapshot);
        CHECK(planned.record.method == "clone");
        CHECK_THAT(planned.record.rule, contains("not allowed: create volumesnapshots"));
    }
    SECTION("for a class that keeps what was deleted") {
        scene.server.refuse("review volumesnapshotcontents");
        CHECK_THAT(scene.only().record.rule, contains("patch volumesnapshotcontents"));
        CHECK(scene.only().record.method == "clone");
    }
    SECTION("for volumes that their class keeps") {
        scene.add_storage_class(R"("reclaimPolicy":"Retain")");
        scene.server.refuse("review persistentvolumes");
        CHECK(scene.only().record.method == "live");
    }
    SECTION("for volumes that their class may keep: it may not be looked at") {
        scene.server.refuse("list storageclasses");
        CHECK(scene.only().record.method == "snapshot");
        scene.server.refuse("review persistentvolumes");
        CHECK(scene.only().record.method == "live");
        CHECK_THAT(scene.only().record.rule, contains("patch persistentvolumes"));
    }
    SECTION("for movers: nothing can be done") {
        scene.server.refuse("review pods");
        const auto record = scene.only().record;
        CHECK(record.method.empty());
        CHECK(record.outcome == model::Outcome::Failed);
        CHECK(record.reason == model::SkipReason::Forbidden);
        CHECK_THAT(record.message, contains("create pods in namespace shop"));
        CHECK(record.missing_rules.size() == 5);
    }
}

TEST_CASE("who may look at nothing still gets a live backup") {
    Scene scene;
    scene.add_csi("data");
    scene.add_class("snap");
    scene.add_pod("web-0", "data", "node-1");
    scene.server.refuse("list volumesnapshotclasses");
    scene.server.refuse("list storageclasses");
    scene.server.refuse("get persistentvolumes");
    const auto planned = scene.only();
    CHECK(planned.record.method == "live");
    CHECK_THAT(planned.record.rule, contains("may not be looked at"));
}

TEST_CASE("the provisioner's mark tells the driver of a volume that may not be looked at") {
    Scene scene;
    scene.add_claim(
        "data", R"("x":1)", R"("annotations":{"volume.kubernetes.io/storage-provisioner":"disk"})");
    scene.add_class("snap");
    scene.server.refuse("get persistentvolumes");
    CHECK(scene.only().record.method == "snapshot");
}

TEST_CASE("rules of the policy see the volume behind the claim") {
    Scene scene;
    scene.add_claim("data");
    scene.add_volume("data", R"("nfs":{"server":"nas","path":"/shop"})");
    VolumeRule rule;
    rule.name = "volumes[0]";
    rule.match.types = {"nfs"};
    rule.match.nfs_server = "nas";
    rule.action = VolumeAction::Skip;
    scene.rules = {rule};
    const auto record = scene.only().record;
    CHECK(record.reason == model::SkipReason::ExcludedByPolicy);
    CHECK(record.rule == "volumes[0]");
    CHECK(scene.only(VolumeMode::None).record.reason == model::SkipReason::ExcludedByUser);
}

TEST_CASE("hostPath volumes are read where their pod is") {
    Scene scene;
    scene.add_claim("data");
    scene.add_volume("data", R"("hostPath":{"path":"/srv"})");
    scene.server.add("nodes", "", "node-1");
    scene.server.add("nodes", "", "node-2");
    CHECK(scene.only().record.reason == model::SkipReason::NodeUnavailable);
    scene.add_pod("web-0", "data", "node-2");
    CHECK(scene.only().record.method == "live");
    CHECK(scene.only().node == "node-2");
}

TEST_CASE("pods that end or are movers use no volume") {
    Scene scene;
    scene.add_csi("data");
    scene.add_class("snap");
    scene.add_storage_class(R"("volumeBindingMode":"WaitForFirstConsumer")");
    scene.add_pod(
        "mover", "data", "node-1", R"("labels":{"app.kubernetes.io/managed-by":"kubectl-backup"})");
    CHECK(scene.only().copy.claim.node.empty());
    scene.add_pod("old", "data", "node-2", R"("deletionTimestamp":"2026-11-20T10:00:00Z")");
    CHECK(scene.only().copy.claim.node == "node-2");
    scene.add_pod("web-0", "data", "node-3");
    CHECK(scene.only().copy.claim.node == "node-3");
}

TEST_CASE("an emptyDir is planned when its pod names it and is in the point") {
    Scene scene;
    scene.server.add("pods",
                     "shop",
                     "web-0",
                     R"("annotations":{"kubectl-backup/volumes":"cache"})",
                     R"("spec":{"volumes":[{"name":"cache","emptyDir":{}},)"
                     R"({"name":"tmp","emptyDir":{}}]},"status":{"phase":"Running"})");
    CHECK(scene.plan().volumes.empty());
    scene.objects["shop"]["pods"].insert_or_assign("web-0", {});
    const auto planned = scene.only();
    CHECK(planned.record.claim == "web-0~cache");
    CHECK(planned.record.method == "live");
    CHECK(planned.pod == "web-0");
    CHECK(planned.pod_volume == "cache");
}

TEST_CASE("an emptyDir is planned when a rule asks for it") {
    Scene scene;
    scene.server.add("pods",
                     "shop",
                     "web-0",
                     "",
                     R"("spec":{"volumes":[{"name":"cache","emptyDir":{}}]},)"
                     R"("status":{"phase":"Running"})");
    scene.objects["shop"]["pods"].insert_or_assign("web-0", {});
    VolumeRule rule;
    rule.match.types = {"hostPath"};
    rule.action = VolumeAction::Live;
    scene.rules = {rule};
    CHECK(scene.plan().volumes.empty());
    scene.rules.front().match.types = {"emptyDir"};
    CHECK(scene.only().record.method == "live");
}

TEST_CASE("a volume that a pod names and that cannot be read is not passed over") {
    Scene scene;
    const auto record_of = [&scene](const std::string& source, const std::string& phase) {
        scene.server.add("pods",
                         "shop",
                         "web-0",
                         R"("annotations":{"backup.velero.io/backup-volumes":"v"})",
                         concat(R"("spec":{"volumes":[{"name":"v",)",
                                source,
                                R"(},{"name":"unnamed","hostPath":{}}]},"status":{"phase":")",
                                phase,
                                R"("})"));
        return scene.only().record;
    };
    scene.objects["shop"]["pods"].insert_or_assign("web-0", {});

    struct Row {
        std::string source;
        std::string phase;
        model::Outcome outcome;
        model::SkipReason reason;
    };

    using enum model::SkipReason;
    const std::vector<Row> rows = {
        {R"("nfs":{"server":"nas"})", "Running", model::Outcome::Protected, None},
        {R"("nfs":{"server":"nas"})", "Succeeded", model::Outcome::Failed, NotRunning},
        {R"("csi":{"driver":"share"})", "Running", model::Outcome::Protected, None},
        {R"("csi":{"driver":"share"})", "Succeeded", model::Outcome::Skipped, NoData},
        {R"("csi":{"driver":"csi.spiffe.io"})", "Running", model::Outcome::Skipped, NoData},
        {R"("hostPath":{"path":"/srv"})", "Running", model::Outcome::Failed, UnsupportedVolume},
        {R"("later":{})", "Running", model::Outcome::Failed, UnsupportedVolume},
        {R"("configMap":{"name":"c"})", "Running", model::Outcome::Skipped, NoData},
        {R"("projected":{})", "Running", model::Outcome::Skipped, NoData},
        {R"("image":{"reference":"i"})", "Running", model::Outcome::Skipped, NoData},
        {R"("emptyDir":{})", "Pending", model::Outcome::Failed, NotRunning},
        {R"("emptyDir":{})", "Succeeded", model::Outcome::Skipped, NoData},
        {R"("emptyDir":{})", "Running", model::Outcome::Protected, None}};
    for (const auto& row : rows) {
        CAPTURE(row.source, row.phase);
        const auto record = record_of(row.source, row.phase);
        CHECK(record.claim == "web-0~v");
        CHECK(record.outcome == row.outcome);
        CHECK(record.reason == row.reason);
        CHECK(record.method == (row.outcome == model::Outcome::Protected ? "live" : ""));
        CHECK(record.message.empty() == (row.outcome == model::Outcome::Protected));
        model::Ledger ledger;
        ledger.volumes = {record};
        CHECK((ledger.status() == model::PointStatus::Complete) ==
              (row.outcome == model::Outcome::Protected));
    }
}

TEST_CASE("data behind a pod that no claim stands for is told when nobody asks for it") {
    Scene scene;
    scene.objects["shop"]["pods"].insert_or_assign("web-0", {});
    const auto add = [&scene](const std::string& volume, const std::string& phase = "Running") {
        scene.add_plain_pod("web-0", volume, "", phase);
    };
    for (const std::string source : {R"("nfs":{"server":"nas","path":"/shop"})",
                                     R"("iscsi":{"targetPortal":"1"})",
                                     R"("fc":{"lun":1})",
                                     R"("rbd":{"image":"i"})",
                                     R"("cephfs":{"monitors":["m"]})",
                                     R"("glusterfs":{"path":"g"})",
                                     R"("csi":{"driver":"share"})",
                                     R"("awsElasticBlockStore":{"volumeID":"v"})",
                                     R"("gcePersistentDisk":{"pdName":"d"})",
                                     R"("flexVolume":{"driver":"f"})"}) {
        CAPTURE(source);
        add(source);
        const auto record = scene.only().record;
        CHECK(record.claim == "web-0~v");
        CHECK(record.outcome == model::Outcome::Skipped);
        CHECK(record.reason == model::SkipReason::OnlyWhenNamed);
        CHECK_THAT(record.message, contains("no claim stands for"));
        model::Ledger ledger;
        ledger.volumes = {record};
        CHECK(ledger.status() == model::PointStatus::Warnings);
        CHECK(scene.only(VolumeMode::Live).record.reason == model::SkipReason::OnlyWhenNamed);
        CHECK(scene.plan(VolumeMode::None).volumes.empty());
    }
    add(R"("csi":{"driver":"share"})");
    CHECK_THAT(scene.only().record.message, contains("type csi (share) that"));
    add(R"("nfs":{"server":"nas"})", "Succeeded");
    CHECK(scene.only().record.reason == model::SkipReason::OnlyWhenNamed);
    for (const std::string source : {R"("emptyDir":{})",
                                     R"("hostPath":{"path":"/srv"})",
                                     R"("configMap":{"name":"c"})",
                                     R"("secret":{"secretName":"s"})",
                                     R"("projected":{"sources":[]})",
                                     R"("downwardAPI":{"items":[]})",
                                     R"("image":{"reference":"i"})",
                                     R"("gitRepo":{"repository":"r"})",
                                     R"("ephemeral":{"volumeClaimTemplate":{}})",
                                     R"("csi":{"driver":"secrets-store.csi.k8s.io"})"}) {
        CAPTURE(source);
        add(source);
        CHECK(scene.plan().volumes.empty());
    }
    scene.objects.clear();
    add(R"("nfs":{"server":"nas"})");
    CHECK(scene.plan().volumes.empty());
}

TEST_CASE("data behind a pod is read when a rule means it") {
    Scene scene;
    scene.objects["shop"]["pods"].insert_or_assign("web-0", {});
    VolumeRule rule;
    rule.name = "shares";
    rule.action = VolumeAction::Live;
    rule.match.types = {"nfs"};
    const auto reason = [&scene, &rule] {
        scene.rules = {rule};
        return scene.only().record.reason;
    };
    scene.add_plain_pod("web-0", R"("nfs":{"server":"nas","path":"/shop"})");
    CHECK(reason() == model::SkipReason::None);
    const auto planned = scene.only();
    CHECK(planned.record.method == "live");
    CHECK(planned.record.rule == "shares");
    CHECK(planned.pod == "web-0");
    CHECK(planned.pod_volume == "v");
    rule.match = {};
    CHECK(reason() == model::SkipReason::OnlyWhenNamed);
    rule.match.nfs_server = "nas";
    CHECK(reason() == model::SkipReason::None);
    rule.action = VolumeAction::Snapshot;
    CHECK(reason() == model::SkipReason::SnapshotFailed);
    rule.match = {};
    rule.action = VolumeAction::Skip;
    CHECK(reason() == model::SkipReason::ExcludedByPolicy);

    // A rule for copies of CSI volumes means claims.
    scene.add_plain_pod("web-0", R"("csi":{"driver":"share"})");
    rule.match.types = {"csi"};
    rule.action = VolumeAction::Snapshot;
    CHECK(reason() == model::SkipReason::OnlyWhenNamed);
    rule.action = VolumeAction::Live;
    CHECK(reason() == model::SkipReason::None);
    scene.add_plain_pod("web-0", R"("csi":{"driver":"share"})", "", "Pending");
    CHECK(reason() == model::SkipReason::NotRunning);
}

TEST_CASE("what many pods share is read, or told, once") {
    Scene scene;
    const std::string mark = R"("annotations":{"kubectl-backup/volumes":"v"})";
    const std::string share = R"("nfs":{"server":"nas","path":"/shop"})";
    const std::string csi = R"("csi":{"driver":"share"})";
    for (const auto* name : {"web-0", "web-1", "web-2"}) {
        scene.objects["shop"]["pods"].insert_or_assign(name, {});
        scene.add_plain_pod(name, share);
    }
    CHECK(scene.only().record.claim == "web-0~v");
    scene.add_plain_pod("web-1", share, R"("annotations":{"kubectl-backup/exclude-volumes":"v"})");
    CHECK(scene.only().record.reason == model::SkipReason::ExcludedByMark);
    scene.add_plain_pod("web-0", share, mark, "Pending");
    CHECK(scene.only().record.reason == model::SkipReason::NotRunning);
    scene.add_plain_pod("web-2", share, mark);
    CHECK(scene.only().record.claim == "web-2~v");
    CHECK(scene.only().record.method == "live");
    scene.add_plain_pod("web-1", R"("nfs":{"server":"nas","path":"/other"})");
    CHECK(scene.plan().volumes.size() == 2);

    // A driver makes a volume for each pod: of those that are wanted every one is read.
    for (const auto* name : {"web-0", "web-1", "web-2"}) {
        scene.add_plain_pod(name, csi);
    }
    CHECK(scene.only().record.reason == model::SkipReason::OnlyWhenNamed);
    scene.add_plain_pod("web-0", csi, mark);
    scene.add_plain_pod("web-1", csi, mark);
    const auto volumes = scene.plan().volumes;
    REQUIRE(volumes.size() == 3);
    CHECK(volumes[0].record.method == "live");
    CHECK(volumes[1].record.method == "live");
    CHECK(volumes[2].record.reason == model::SkipReason::OnlyWhenNamed);
}

TEST_CASE("an annotation that names no volume of its pod is told once") {
    Scene scene;
    for (const auto* name : {"web-0", "web-1", "unasked"}) {
        scene.server.add("pods",
                         "shop",
                         name,
                         R"("annotations":{"kubectl-backup/volumes":"chache,data",)"
                         R"("kubectl-backup/exclude-volumes":"tpm"})",
                         R"("spec":{"volumes":[{"name":"data","emptyDir":{}}]},)"
                         R"("status":{"phase":"Running"})");
    }
    scene.objects["shop"]["pods"].insert_or_assign("web-0", {});
    scene.objects["shop"]["pods"].insert_or_assign("web-1", {});
    CHECK(scene.plan().warnings ==
          std::vector<std::string>{"pod shop/web-0: annotation kubectl-backup/volumes names "
                                   "\"chache\", which is no volume of the pod",
                                   "pod shop/web-0: annotation kubectl-backup/exclude-volumes "
                                   "names \"tpm\", which is no volume of the pod"});
}

TEST_CASE("what the server gives no answer about is told, and the rest is planned") {
    Scene scene;
    scene.add_csi("data");
    scene.add_class("snap");
    scene.add_pod("web-0", "data", "node-1");
    scene.server.refuse("get persistentvolumes", 504);
    scene.server.refuse("list volumesnapshotclasses", 500);
    scene.server.refuse("list pods", 503);
    const auto plans = scene.plan();
    REQUIRE(plans.volumes.size() == 1);
    CHECK(plans.volumes[0].record.method == "live");
    std::string subjects;
    for (const auto& problem : plans.problems) {
        subjects += problem.subject + "\n";
    }
    CHECK(subjects ==
          "persistentvolumes\nvolumesnapshotclasses.snapshot.storage.k8s.io\npods in shop\n");
}

TEST_CASE("without volumes nothing is asked of the cluster") {
    Scene scene;
    scene.add_csi("data");
    const auto before = scene.server.asked().size();
    scene.plan(VolumeMode::None);
    // The list of claims is the test's own.
    CHECK(scene.server.asked().size() == before + 1);
}
