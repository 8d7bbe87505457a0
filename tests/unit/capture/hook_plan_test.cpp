// SPDX-License-Identifier: Apache-2.0
#include "core/capture/hook_plan.hpp"

#include "tests/support/catch.hpp"

using namespace backup;
using namespace backup::capture;
using backup::testing::contains;
using model::HookOutcome;
using model::HookPhase;

namespace {

using Words = std::vector<std::string>;

/// A pod with a pre and a post hook.
HookPod pod(std::string name, Words claims, std::string ns = "shop") {
    HookPod pod;
    pod.subject.ns = std::move(ns);
    pod.subject.annotations = {{"kubectl-backup/pre-hook", R"({"command":["freeze"]})"},
                               {"kubectl-backup/post-hook", R"({"command":["thaw"]})"}};
    pod.name = std::move(name);
    pod.containers = {"main", "side"};
    pod.claims = std::move(claims);
    return pod;
}

HookPod dumping_pod(std::string name, std::string owner, std::string owner_name) {
    auto dumping = pod(std::move(name), {});
    dumping.subject.annotations = {{"k8up.io/backupcommand", "dump"},
                                   {"k8up.io/file-extension", ".sql"}};
    dumping.owner_uid = std::move(owner);
    dumping.owner_name = std::move(owner_name);
    return dumping;
}

std::vector<HookVolume> volumes(const Words& claims, const std::string& ns = "shop") {
    std::vector<HookVolume> all;
    for (const auto& claim : claims) {
        all.push_back({ns, claim, {}});
    }
    return all;
}

Words pods_of(const HookGroup& group) {
    Words names;
    for (const auto& frozen : group.pods) {
        names.push_back(frozen.pre.front().record.pod);
    }
    return names;
}

}  // namespace

TEST_CASE("each pod with its own volume is a group", "[hooks]") {
    const auto plan = plan_hooks({pod("db-1", {"data-1"}), pod("db-0", {"data-0"})},
                                 volumes({"data-0", "data-1", "other"}),
                                 {});
    REQUIRE(plan.groups.size() == 2);
    CHECK(pods_of(plan.groups[0]) == Words{"db-0"});
    CHECK(plan.groups[0].claims == Words{"data-0"});
    CHECK(pods_of(plan.groups[1]) == Words{"db-1"});
    CHECK_FALSE(plan.groups[0].is_namespace_wide);
    const auto& hook = plan.groups[0].pods[0].pre[0];
    CHECK(hook.record.container == "main");
    CHECK(hook.record.outcome == HookOutcome::NotRun);
    CHECK(hook.record.phase == HookPhase::Pre);
    CHECK(hook.timeout == kHookTimeout);
    CHECK(plan.records().size() == 4);
}

TEST_CASE("volumes that pods have in common are one group", "[hooks]") {
    const auto plan =
        plan_hooks({pod("a", {"x", "y"}), pod("b", {"y", "z"}), pod("c", {"z"}), pod("d", {"w"})},
                   volumes({"w", "x", "y", "z"}),
                   {});
    REQUIRE(plan.groups.size() == 2);
    const auto& large = plan.groups[plan.groups[0].pods.size() == 3 ? 0 : 1];
    CHECK(pods_of(large) == Words{"a", "b", "c"});
    CHECK(large.claims == Words{"x", "y", "z"});
}

TEST_CASE("a volume group joins volumes that no pod has in common", "[hooks]") {
    auto wanted = volumes({"data-0", "data-1", "data-2", "alone"});
    wanted[0].group = wanted[1].group = wanted[2].group = "g";
    wanted.push_back({"other", "data-0", "g"});
    const auto plan = plan_hooks({pod("db-0", {"data-0"}), pod("db-1", {"data-1"})}, wanted, {});
    REQUIRE(plan.groups.size() == 1);
    CHECK(pods_of(plan.groups[0]) == Words{"db-0", "db-1"});
    // Also the one whose pod has no hooks, and not that of another namespace.
    CHECK(plan.groups[0].claims == Words{"data-0", "data-1", "data-2"});
    CHECK(find_volume_group({{"velero.io/volume-group", "v"}}, {}) == "v");
    CHECK(find_volume_group({{"velero.io/volume-group", "v"}},
                            {{"kubectl-backup/volume-group", "ours"}}) == "ours");
    CHECK(find_volume_group({}, {}).empty());
}

TEST_CASE("only what is read is frozen", "[hooks]") {
    const auto plan = plan_hooks(
        {pod("a", {"x", "skipped"}), pod("b", {"skipped"}, "quiet")}, volumes({"x"}), {});
    REQUIRE(plan.groups.size() == 1);
    CHECK(plan.groups[0].claims == Words{"x"});
    CHECK(plan.groups[0].pods[0].claims == Words{"x"});
}

TEST_CASE("a pod without volumes of its own stands around those of its namespace", "[hooks]") {
    auto unstored = pod("unstored", {});
    unstored.is_stored = false;
    const auto plan = plan_hooks(
        {pod("front", {}), pod("db", {"x"}), pod("elsewhere", {}, "quiet"), std::move(unstored)},
        volumes({"x", "y"}),
        {});
    REQUIRE(plan.groups.size() == 2);
    CHECK(plan.groups[0].is_namespace_wide);
    CHECK(pods_of(plan.groups[0]) == Words{"front"});
    CHECK(plan.groups[0].claims == Words{"x", "y"});
    CHECK(pods_of(plan.groups[1]) == Words{"db"});
}

TEST_CASE("a container that the pod does not run", "[hooks]") {
    auto wrong = pod("db", {"x"});
    wrong.subject.annotations = {
        {"kubectl-backup/pre-hook", R"({"command":["freeze"],"container":"postgers"})"}};
    const auto plan = plan_hooks({wrong}, volumes({"x"}), {});
    const auto& hook = plan.groups.at(0).pods.at(0).pre.at(0);
    CHECK_THAT(hook.problem, contains("no container 'postgers'"));
    CHECK(hook.record.message == hook.problem);
}

TEST_CASE("--no-hooks: what would have been run is told", "[hooks]") {
    HookOptions options;
    options.is_off = true;
    const auto plan =
        plan_hooks({pod("db", {"x"}), dumping_pod("d-0", "u", "d")}, volumes({"x"}), options);
    CHECK(plan.groups.empty());
    CHECK(plan.outputs.empty());
    REQUIRE(plan.not_run.size() == 3);
    for (const auto& record : plan.not_run) {
        CHECK(record.outcome == HookOutcome::NotRun);
        CHECK(record.may_fail);
        CHECK(record.message == "--no-hooks");
    }
}

TEST_CASE("of the pods of one owner the first dumps", "[hooks]") {
    auto unstored = dumping_pod("z", "", "");
    unstored.is_stored = false;
    const auto plan = plan_hooks({dumping_pod("db-1", "set", "db"),
                                  dumping_pod("db-0", "set", "db"),
                                  dumping_pod("db-x", "deployment", "db"),
                                  dumping_pod("lonely", "", ""),
                                  std::move(unstored)},
                                 {},
                                 {});
    REQUIRE(plan.outputs.size() == 3);
    CHECK(plan.outputs[0].hook.record.pod == "db-0");
    CHECK(plan.outputs[0].hook.record.phase == HookPhase::Command);
    CHECK(plan.outputs[0].file_name == "db.sql");
    CHECK(plan.outputs[1].file_name == "db-x.pod.sql");
    CHECK(plan.outputs[2].file_name == "lonely.sql");

    HookOptions manifests_only;
    manifests_only.stores_outputs = false;
    CHECK(plan_hooks({dumping_pod("db-0", "", "")}, {}, manifests_only).outputs.empty());
}

TEST_CASE("warnings name the pod", "[hooks]") {
    auto both = pod("db", {"x"});
    both.subject.annotations.emplace("pre.hook.backup.velero.io/command", "x");
    CHECK_THAT(plan_hooks({both}, volumes({"x"}), {}).warnings.at(0), contains("pod shop/db: "));
}

TEST_CASE("a pod as the API server gives it", "[hooks]") {
    const auto read = read_hook_pod(parse_json(R"({
        "metadata": {"name": "web-7d9-abc", "namespace": "shop",
            "labels": {"pod-template-hash": "7d9"},
            "annotations": {"kubectl.kubernetes.io/default-container": "app"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web-7d9", "uid": "u1"}]},
        "spec": {
            "containers": [{"name": "proxy"}, {"name": "app"}, {"name": "logs"}],
            "initContainers": [{"name": "setup"}, {"name": "side", "restartPolicy": "Always"}],
            "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}},
                {"name": "scratch", "ephemeral": {}}, {"name": "e", "emptyDir": {}}]},
        "status": {"phase": "Running"}})"));
    CHECK(read.containers == Words{"app", "proxy", "logs", "side"});
    CHECK(read.claims == Words{"data", "web-7d9-abc-scratch"});
    CHECK(read.owner_uid == "u1");
    CHECK(read.owner_name == "web");
    CHECK(read.subject.kinds == Words{"Pod", "ReplicaSet", "Deployment"});
    CHECK(is_running(parse_json(R"({"status":{"phase":"Running"}})")));
    CHECK_FALSE(is_running(parse_json(R"({"status":{"phase":"Succeeded"}})")));
    CHECK_FALSE(is_running(
        parse_json(R"({"metadata":{"deletionTimestamp":"x"},"status":{"phase":"Running"}})")));
}

TEST_CASE("hooks of pods that were never begun with are told", "[hooks]") {
    const auto plan = plan_hooks(
        {pod("db-0", {"data-0"}), pod("db-1", {"data-1"})}, volumes({"data-0", "data-1"}), {});
    CHECK(find_unrun(plan, {}).size() == 4);
    auto records = plan.records();
    // Only the first pod's pre hook was run.
    records.resize(1);
    records[0].outcome = HookOutcome::Failed;
    const auto unrun = find_unrun(plan, records);
    REQUIRE(unrun.size() == 3);
    CHECK(unrun[0].pod == "db-0");
    CHECK(unrun[0].phase == HookPhase::Post);
    CHECK(unrun[0].message == "a hook before it failed");
    CHECK(unrun[1].pod == "db-1");
    CHECK(unrun[1].outcome == HookOutcome::NotRun);
    CHECK(unrun[1].message == "none of its volumes came to be read");
    CHECK(find_unrun(plan, plan.records()).empty());
}

TEST_CASE("the same command twice has two records", "[hooks]") {
    auto twice = pod("db-0", {"data-0"});
    auto plan = plan_hooks({twice}, volumes({"data-0"}), {});
    plan.groups[0].pods[0].pre.push_back(plan.groups[0].pods[0].pre[0]);
    auto records = plan.records();
    records.erase(records.begin());
    REQUIRE(find_unrun(plan, records).size() == 1);
    CHECK(find_unrun(plan, records)[0].phase == HookPhase::Pre);
}
