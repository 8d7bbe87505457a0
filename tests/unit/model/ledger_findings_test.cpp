// SPDX-License-Identifier: Apache-2.0
#include "core/model/ledger_findings.hpp"

#include "tests/support/catch.hpp"

using namespace backup;
using namespace backup::model;

namespace {

VolumeRecord volume(Outcome outcome, SkipReason reason = SkipReason::None) {
    VolumeRecord record;
    record.name_space = "shop";
    record.claim = "data";
    record.outcome = outcome;
    record.reason = reason;
    record.method = outcome == Outcome::Protected ? "live" : "";
    return record;
}

Ledger with(const VolumeRecord& record) {
    Ledger ledger;
    ledger.volumes = {record};
    return ledger;
}

}  // namespace

TEST_CASE("a selected claim without data is never green") {
    for (const auto reason : all_skip_reasons()) {
        const bool is_left_out =
            reason == SkipReason::NeverStored || reason == SkipReason::ExcludedByUser ||
            reason == SkipReason::ExcludedByMark || reason == SkipReason::ExcludedByPolicy;
        INFO(to_text(reason));
        CHECK((with(volume(Outcome::Skipped, reason)).status() == PointStatus::Complete) ==
              is_left_out);
        CHECK(with(volume(Outcome::Failed, reason)).status() == PointStatus::Incomplete);
    }
    CHECK(with(volume(Outcome::Skipped)).status() != PointStatus::Complete);
    CHECK(with(volume(Outcome::Failed)).status() == PointStatus::Incomplete);
    CHECK(with(volume(Outcome::Protected)).status() == PointStatus::Complete);
    auto never_read = volume(Outcome::Protected);
    never_read.method.clear();
    CHECK(with(never_read).status() == PointStatus::Incomplete);
}

TEST_CASE("claims that could not be listed, or of which nothing could be read, are not either") {
    SeverityRules lenient;
    for (const auto* word : {"Forbidden", "ListFailed", "FilesUnreadable"}) {
        lenient.set(word, Severity::Ok);
    }
    Ledger ledger;
    ledger.severity = lenient;
    ListRecord list;
    list.outcome = Outcome::Failed;
    SECTION("lists") {
        list.reason = GENERATE(SkipReason::None, SkipReason::Forbidden);
        list.resource = "configmaps";
        ledger.lists = {list};
        CHECK(ledger.status() == PointStatus::Complete);
        list.resource = "persistentvolumeclaims";
        ledger.lists.push_back(list);
        CHECK(ledger.status() == PointStatus::Warnings);
    }
    SECTION("files") {
        auto record = volume(Outcome::Protected);
        record.files = 2;
        record.files_unreadable = 1;
        record.bytes = 1;
        ledger.volumes = {record};
        CHECK(ledger.status() == PointStatus::Complete);
        record.files_unreadable = 2;
        record.bytes = 0;
        ledger.volumes.push_back(record);
        CHECK(ledger.status() == PointStatus::Warnings);
    }
}

TEST_CASE("what is not well comes worst first, with its word and its subject") {
    Ledger ledger;
    auto changed = volume(Outcome::Protected);
    changed.files_changed = 1;
    changed.files_unreadable = 2;
    changed.consistency = "crash";
    ledger.volumes = {changed};
    ListRecord secrets;
    secrets.resource = "secrets";
    secrets.scope = "shop";
    secrets.outcome = Outcome::Failed;
    secrets.reason = SkipReason::Forbidden;
    secrets.message = "list secrets: no";
    ListRecord pods;
    pods.resource = "pods";
    pods.scope = "*";
    pods.is_consistent = false;
    ListRecord nodes;
    nodes.resource = "nodes";
    nodes.outcome = Outcome::Failed;
    ListRecord events;
    events.resource = "events";
    events.outcome = Outcome::Skipped;
    events.reason = SkipReason::NeverStored;
    ledger.lists = {secrets, pods, nodes, events};
    ledger.warnings = {"odd"};
    ledger.problems = {{"example.com/v1", "down"}};
    const auto findings = findings_of(ledger);
    const std::vector<Finding> expected = {
        {Severity::Incomplete, "FilesUnreadable", "volume shop/data", "2 files could not be read"},
        {Severity::Incomplete, "Forbidden", "secrets in namespace shop", "list secrets: no"},
        {Severity::Incomplete, "ListFailed", "nodes", ""},
        {Severity::Incomplete, "Problem", "example.com/v1", "down"},
        {Severity::Warning, "FilesChanged", "volume shop/data", "1 file changed while being read"},
        {Severity::Warning,
         "ListInconsistent",
         "pods in all namespaces",
         "its parts are of different moments"},
        {Severity::Warning, "Warning", "", "odd"},
    };
    CHECK(findings == expected);
}

TEST_CASE("what is missing of a volume that was read makes the point Incomplete") {
    auto record = volume(Outcome::Protected);
    record.file_systems_left_out = 2;
    auto ledger = with(record);
    CHECK(ledger.status() == PointStatus::Incomplete);
    CHECK(findings_of(ledger).front() == Finding{Severity::Incomplete,
                                                 "FileSystemLeftOut",
                                                 "volume shop/data",
                                                 "2 file systems mounted in it left out"});
    ledger.severity.set("FileSystemLeftOut", Severity::Warning);
    CHECK(ledger.status() == PointStatus::Warnings);
    // Whoever imports a directory says with a flag what is gone into.
    record.method = "directory";
    CHECK(with(record).status() == PointStatus::Warnings);
    CHECK(ledger_from_json(to_json(ledger)) == ledger);
}

TEST_CASE("a volume of which nothing matched is not green") {
    auto record = volume(Outcome::Protected, SkipReason::NoData);
    record.message = "the globs match nothing";
    record.files_changed = 1;
    auto ledger = with(record);
    CHECK(ledger.status() == PointStatus::Warnings);
    CHECK(findings_of(ledger).size() == 2);
    CHECK(findings_of(ledger).front().reason == "NoData");
    ledger.severity.set("NoData", Severity::Incomplete);
    CHECK(ledger.status() == PointStatus::Incomplete);
}

TEST_CASE("a policy decides how bad it is, up to Failed") {
    auto changed = volume(Outcome::Protected);
    changed.files_changed = 3;
    auto ledger = with(changed);
    CHECK(ledger.status() == PointStatus::Warnings);
    ledger.severity.set("FilesChanged", Severity::Ok);
    CHECK(ledger.status() == PointStatus::Complete);
    CHECK(findings_of(ledger).empty());
    ledger.severity.set("FilesChanged", Severity::Failed);
    CHECK(ledger.status() == PointStatus::Failed);

    auto crashed = volume(Outcome::Protected);
    crashed.consistency = "crash";
    ledger.volumes = {crashed};
    CHECK(ledger.status() == PointStatus::Complete);
    ledger.severity.set("CrashConsistent", Severity::Warning);
    CHECK(ledger.status() == PointStatus::Warnings);
}

TEST_CASE("hooks") {
    Ledger ledger;
    HookRecord hook;
    hook.name_space = "shop";
    hook.pod = "db-0";
    ledger.hooks = {hook};
    CHECK(ledger.status() == PointStatus::Complete);
    ledger.hooks[0].outcome = HookOutcome::Failed;
    ledger.hooks[0].exit_code = 3;
    CHECK(ledger.status() == PointStatus::Incomplete);
    const auto findings = findings_of(ledger);
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].subject == "pre hook of pod shop/db-0");
    CHECK(findings[0].message == "exit code 3");
    CHECK(findings[0].reason == "HookFailed");
    ledger.hooks[0].may_fail = true;
    CHECK(ledger.status() == PointStatus::Warnings);
    ledger.hooks[0].outcome = HookOutcome::TimedOut;
    CHECK(findings_of(ledger).at(0).message == "it did not end in time");
}

TEST_CASE("the rights that were missing, each once, as rules for a Role") {
    Ledger ledger;
    ListRecord list;
    list.resource = "secrets";
    list.scope = "shop";
    list.outcome = Outcome::Failed;
    list.reason = SkipReason::Forbidden;
    ledger.lists = {list, list};
    ledger.lists.push_back(list);
    ledger.lists.back().resource = "roles.rbac.authorization.k8s.io";
    ledger.lists.push_back(list);
    ledger.lists.back().resource = "nodes";
    ledger.lists.back().scope = "";
    ledger.lists.push_back(list);
    ledger.lists.back().resource = "pods";
    ledger.lists.back().reason = SkipReason::TimedOut;
    auto lost = volume(Outcome::Failed, SkipReason::Forbidden);
    lost.missing_rules = {{"create", "", "pods", "shop"}, {"create", "", "pods/exec", "shop"}};
    ledger.volumes = {lost};
    const std::vector<AccessRule> expected = {
        {"create", "", "pods", "shop"},
        {"create", "", "pods/exec", "shop"},
        {"list", "", "nodes", ""},
        {"list", "", "secrets", "shop"},
        {"list", "rbac.authorization.k8s.io", "roles", "shop"},
    };
    CHECK(missing_rules(ledger) == expected);
}

TEST_CASE("rules for a Role are few") {
    CHECK(format_role_rules({}).empty());
    const std::vector<std::string> expected = {
        R"(- {apiGroups: [""], resources: ["configmaps", "pods"], verbs: ["create", "delete"]})",
        R"(- {apiGroups: ["", "apps"], resources: ["things"], verbs: ["list"]})"};
    CHECK(format_role_rules({{"delete", "", "pods", "a"},
                             {"create", "", "pods", "a"},
                             {"create", "", "configmaps", "a"},
                             {"delete", "", "configmaps", "a"},
                             {"list", "apps", "things", "a"},
                             {"list", "", "things", "a"}}) == expected);
    CHECK(describe_missing({}).empty());
    CHECK(
        describe_missing({{"get", "", "nodes", ""}, {"list", "", "pods", "b"}}) ==
        R"(add to a ClusterRole: - {apiGroups: [""], resources: ["nodes"], verbs: ["get"]}; )"
        R"(add to a Role in namespace b: - {apiGroups: [""], resources: ["pods"], verbs: ["list"]})");
}
