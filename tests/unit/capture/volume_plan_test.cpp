// SPDX-License-Identifier: Apache-2.0
#include "core/capture/volume_plan.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/capture/volume_plan_scene.hpp"

using namespace backup;
using namespace backup::capture;
using backup::testing::contains;
using Scene = backup::testing::VolumePlanScene;

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
