// SPDX-License-Identifier: Apache-2.0
// Volumes of pods that no claim stands for.
#include "tests/support/catch.hpp"
#include "tests/unit/capture/volume_plan_scene.hpp"

using namespace backup;
using namespace backup::capture;
using backup::testing::contains;
using Scene = backup::testing::VolumePlanScene;

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
