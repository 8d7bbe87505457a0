// SPDX-License-Identifier: Apache-2.0
#include "core/capture/volume_method.hpp"

#include "core/base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

using namespace backup;
using namespace backup::capture;
using backup::testing::contains;
using model::Outcome;
using model::SkipReason;

namespace {

/// A bound CSI volume with a snapshot class, used by a running pod.
VolumeSituation csi() {
    VolumeSituation situation;
    situation.facts.ns = "shop";
    situation.facts.claim = "data";
    situation.facts.type = "csi";
    situation.facts.driver = "disk";
    situation.facts.storage_class = "fast";
    situation.facts.access_modes = {"ReadWriteOnce"};
    situation.facts.phase = "Bound";
    situation.volume = "pv-1";
    situation.is_volume_known = true;
    situation.uses = {{"web-0", "node-1", true, false}};
    situation.snapshot_class = "snap";
    situation.snapshot_rule = "snapshot class snap, the only one of its driver";
    return situation;
}

VolumeSituation without_class() {
    auto situation = csi();
    situation.snapshot_class.clear();
    situation.snapshot_rule.clear();
    situation.snapshot_problem = "driver disk has no snapshot class";
    return situation;
}

VolumeSituation plain(const std::string& type) {
    auto situation = without_class();
    situation.facts.type = type;
    situation.facts.driver.clear();
    return situation;
}

VolumeSituation idle(VolumeSituation situation) {
    situation.uses.clear();
    return situation;
}

VolumeSituation without_rights(VolumeSituation situation) {
    situation.snapshot_denied = {
        "create volumesnapshots.snapshot.storage.k8s.io in namespace shop"};
    situation.clone_denied = {"create persistentvolumeclaims in namespace shop"};
    return situation;
}

VolumeChoice asked(VolumeAction action) {
    VolumeChoice choice;
    choice.action = action;
    choice.rule = "volumes[1]";
    return choice;
}

/// "snapshot", "snapshot or live", "skipped Unbound", "failed SnapshotFailed".
std::string outcome(const MethodChoice& choice) {
    if (choice.method == VolumeMethod::None) {
        return concat(choice.outcome == Outcome::Failed ? "failed " : "skipped ",
                      model::to_text(choice.reason));
    }
    CHECK(choice.outcome == Outcome::Protected);
    return concat(to_text(choice.method), choice.may_fall_back ? " or live" : "");
}

}  // namespace

TEST_CASE("the method of a volume, for each mode and each kind of volume") {
    const auto blind = [] {
        auto situation = idle(without_class());
        situation.is_use_known = false;
        return situation;
    }();
    const auto unknown = [] {
        auto situation = plain("");
        situation.is_volume_known = false;
        return situation;
    }();

    struct Row {
        const char* name;
        VolumeSituation situation;
        const char* by_auto;
        const char* by_snapshot;
        const char* by_clone;
        const char* by_live;
    };

    const std::vector<Row> rows{
        {"CSI with a class", csi(), "snapshot or live", "snapshot", "clone", "live"},
        {"the same, idle", idle(csi()), "snapshot or live", "snapshot", "clone", "live"},
        {"CSI without a class", without_class(), "clone or live", "clone", "clone", "live"},
        {"the same, idle", idle(without_class()), "live", "clone", "clone", "live"},
        {"the same, pods unknown", blind, "clone or live", "clone", "clone", "live"},
        {"no rights",
         without_rights(csi()),
         "live",
         "failed Forbidden",
         "failed Forbidden",
         "live"},
        {"NFS", plain("nfs"), "live", "failed SnapshotFailed", "failed SnapshotFailed", "live"},
        {"local", plain("local"), "live", "failed SnapshotFailed", "failed SnapshotFailed", "live"},
        {"unknown", unknown, "live", "failed SnapshotFailed", "failed SnapshotFailed", "live"},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        const auto choose = [&](VolumeMode mode) {
            return outcome(choose_method(row.situation, mode, {}));
        };
        CHECK(choose(VolumeMode::Auto) == row.by_auto);
        CHECK(choose(VolumeMode::Snapshot) == row.by_snapshot);
        CHECK(choose(VolumeMode::Clone) == row.by_clone);
        CHECK(choose(VolumeMode::Live) == row.by_live);
        CHECK(choose(VolumeMode::None) == "skipped ExcludedByUser");
    }
}

TEST_CASE("what a policy or a mark asks for is done unless a flag says else") {
    const auto by = [](VolumeAction action, VolumeMode mode = VolumeMode::Auto) {
        return outcome(choose_method(csi(), mode, asked(action)));
    };
    CHECK(by(VolumeAction::Live) == "live");
    CHECK(by(VolumeAction::Snapshot) == "snapshot");
    CHECK(by(VolumeAction::Clone) == "clone");
    CHECK(by(VolumeAction::Clone, VolumeMode::Live) == "live");
    CHECK(by(VolumeAction::Live, VolumeMode::Snapshot) == "snapshot");
    // A rule that says snapshot does not mean a clone.
    CHECK(
        outcome(choose_method(without_class(), VolumeMode::Auto, asked(VolumeAction::Snapshot))) ==
        "failed SnapshotFailed");
}

TEST_CASE("a skip of the policy or of a mark holds in every mode") {
    auto choice = asked(VolumeAction::Skip);
    choice.reason = SkipReason::ExcludedByPolicy;
    for (const auto mode : {VolumeMode::Auto, VolumeMode::Snapshot, VolumeMode::Live}) {
        CHECK(outcome(choose_method(csi(), mode, choice)) == "skipped ExcludedByPolicy");
    }
}

TEST_CASE("claims without a volume have no method") {
    auto situation = csi();
    situation.facts.phase = "Pending";
    CHECK(outcome(choose_method(situation, VolumeMode::Snapshot, {})) == "skipped Unbound");
    situation.facts.phase = "Lost";
    CHECK(outcome(choose_method(situation, VolumeMode::Auto, {})) == "failed LostVolume");
}

TEST_CASE("the plan says why") {
    const auto rule = [](const VolumeSituation& situation, VolumeMode mode = VolumeMode::Auto) {
        return choose_method(situation, mode, {}).rule;
    };
    CHECK(rule(csi()) == "snapshot class snap, the only one of its driver");
    CHECK(rule(without_class()) == "driver disk has no snapshot class");
    CHECK(rule(csi(), VolumeMode::Live) == "--volumes=live");
    CHECK(rule(without_class(), VolumeMode::Snapshot) ==
          "--volumes=snapshot: driver disk has no snapshot class");
    CHECK(rule(plain("nfs")) == "volumes of type nfs have no snapshots and no clones");
    CHECK_THAT(rule(without_rights(csi())), contains("not allowed: create volumesnapshots"));
    CHECK(choose_method(csi(), VolumeMode::Auto, asked(VolumeAction::Live)).rule == "volumes[1]");
    const auto failed = choose_method(plain("local"), VolumeMode::Snapshot, {});
    CHECK(failed.message == "volumes of type local have no snapshots and no clones");
}

TEST_CASE("a static CSI volume without a class cannot be copied") {
    auto situation = csi();
    situation.facts.storage_class.clear();
    CHECK(outcome(choose_method(situation, VolumeMode::Auto, {})) == "live");
}

TEST_CASE("only the pod itself reads a ReadWriteOncePod volume in use") {
    auto situation = without_rights(csi());
    situation.facts.access_modes = {"ReadWriteOncePod"};
    CHECK_THAT(choose_method(situation, VolumeMode::Auto, {}).rule,
               contains("only inside pod web-0"));
    CHECK(choose_method(idle(situation), VolumeMode::Auto, {}).rule.find("inside") ==
          std::string::npos);
    situation.snapshot_denied.clear();
    CHECK(outcome(choose_method(situation, VolumeMode::Auto, {})) == "snapshot or live");
}

TEST_CASE("a hostPath volume is read on the cluster node of its pod, or not at all") {
    auto situation = plain("hostPath");
    situation.nodes = 3;
    CHECK(choose_method(situation, VolumeMode::Auto, {}).node == "node-1");
    SECTION("nobody knows the node") {
        CHECK(outcome(choose_method(idle(situation), VolumeMode::Auto, {})) ==
              "failed NodeUnavailable");
    }
    SECTION("there is only one") {
        situation.nodes = 1;
        const auto choice = choose_method(idle(situation), VolumeMode::Auto, {});
        CHECK(outcome(choice) == "live");
        CHECK(choice.warnings.empty());
    }
    SECTION("the volume says it") {
        situation.has_node_affinity = true;
        CHECK(outcome(choose_method(idle(situation), VolumeMode::Auto, {})) == "live");
    }
    SECTION("cluster nodes may not be listed") {
        situation.nodes.reset();
        const auto choice = choose_method(idle(situation), VolumeMode::Live, {});
        CHECK(outcome(choice) == "live");
        REQUIRE(choice.warnings.size() == 1);
        CHECK_THAT(choice.warnings.front(), contains("where the mover lands"));
    }
}

TEST_CASE("a pod that runs and stays decides where a volume is read") {
    std::vector<VolumeUse> uses{{"d", "", false, false},
                                {"c", "node-3", false, false},
                                {"b", "node-2", true, true},
                                {"a", "node-1", true, false}};
    sort_uses(uses);
    std::string order;
    for (const auto& use : uses) {
        order += use.pod;
    }
    CHECK(order == "abcd");
}
