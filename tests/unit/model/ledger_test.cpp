// SPDX-License-Identifier: Apache-2.0
#include "core/model/ledger.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

using namespace backup;
using namespace backup::model;
using namespace backup::testing;

namespace {

ListRecord some_list() {
    ListRecord list;
    list.resource = "pods";
    list.scope = "shop";
    list.count = 12;
    list.resource_version = "4711";
    return list;
}

VolumeRecord some_volume() {
    VolumeRecord volume;
    volume.name_space = "shop";
    volume.claim = "data-0";
    volume.method = "live";
    volume.consistency = "crash";
    volume.files = 1;
    volume.directories = 2;
    volume.bytes = 3;
    volume.files_unchanged = 4;
    volume.bytes_read = 5;
    volume.bytes_sent = 6;
    volume.used_bytes = 7;
    volume.used_inodes = 8;
    volume.duration_ms = 9;
    return volume;
}

HookRecord some_hook() {
    HookRecord hook;
    hook.name_space = "shop";
    hook.pod = "db-0";
    hook.container = "db";
    hook.command = {"/bin/sh", "-c", "freeze \"it\""};
    hook.phase = HookPhase::Post;
    hook.outcome = HookOutcome::TimedOut;
    hook.may_fail = true;
    hook.origin = "annotation kubectl-backup/post-hook";
    hook.message = "it did not end in 30s";
    hook.exit_code = -1;
    hook.duration_ms = 30'000;
    hook.output = "line 1\nline 2";
    return hook;
}

Ledger read_back(const Ledger& ledger) {
    return ledger_from_json(parse_json(format_json(to_json(ledger))));
}

}  // namespace

TEST_CASE("a ledger comes back as it was") {
    Ledger ledger;
    CHECK(read_back(ledger) == ledger);
    ledger.lists = {some_list(), {}};
    ledger.lists[1].resource = "events";
    ledger.lists[1].outcome = Outcome::Skipped;
    ledger.lists[1].reason = SkipReason::NeverStored;
    ledger.lists[1].is_consistent = false;
    ledger.volumes = {some_volume(), {}};
    ledger.volumes[1].outcome = Outcome::Failed;
    ledger.volumes[1].reason = SkipReason::BlockWithoutAccess;
    ledger.volumes[1].message = "no access: \"EPERM\"";
    ledger.volumes[1].files_unreadable = 2;
    ledger.volumes[1].unreadable = {"/a: EIO", "/b: EACCES"};
    ledger.volumes[1].files_changed = 1;
    ledger.volumes[1].changed = {"/log"};
    ledger.volumes[0].rule = "volume-rule 2";
    ledger.volumes[0].missing_rules = {{"create", "", "pods/exec", "shop"}, {"get", "g", "x", ""}};
    ledger.hooks = {some_hook(), {}};
    ledger.problems = {{"namespace gone", "not found"}};
    ledger.warnings = {"two", "words"};
    ledger.severity.set("FilesChanged", Severity::Ok);
    ledger.severity.set("Unbound", Severity::Failed);
    CHECK(read_back(ledger) == ledger);
}

TEST_CASE("a ledger of an older version is read, with the default severities") {
    const auto ledger = ledger_from_json(parse_json(
        R"({"version":1,"lists":[{"resource":"pods","outcome":"Protected","count":3}],)"
        R"("volumes":[{"namespace":"shop","claim":"data","outcome":"Skipped","reason":"Unbound"}],)"
        R"("problems":[],"warnings":[]})"));
    REQUIRE(ledger.volumes.size() == 1);
    CHECK(ledger.volumes[0].reason == SkipReason::Unbound);
    CHECK(ledger.volumes[0].rule.empty());
    CHECK(ledger.hooks.empty());
    CHECK(ledger.severity.is_empty());
}

TEST_CASE("a reason of a newer version keeps its word") {
    const auto ledger = ledger_from_json(parse_json(
        R"({"version":1,"severity":{"TooOld":"failed","FilesChanged":"odd","ListFailed":7},)"
        R"("lists":[{"resource":"pods","outcome":"Failed","reason":"TooOld","message":"why"},)"
        R"({"resource":"pods","outcome":"Skipped","reason":"TooOld"}]})"));
    REQUIRE(ledger.lists.size() == 2);
    CHECK(ledger.lists[0].reason == SkipReason::Other);
    CHECK(ledger.lists[0].message == "TooOld: why");
    CHECK(ledger.lists[1].message == "TooOld");
    CHECK(ledger.severity.is_empty());
    CHECK(ledger.status() == PointStatus::Incomplete);
    CHECK(read_back(ledger) == ledger);
}

TEST_CASE("what a hook printed need not be UTF-8") {
    Ledger ledger;
    ledger.hooks = {some_hook()};
    ledger.hooks[0].output = "caf\xe9";
    CHECK(read_back(ledger).hooks[0].output == "caf\\xe9");
}

TEST_CASE("every outcome, reason and status has one word") {
    Ledger ledger;
    for (const auto outcome : {Outcome::Protected, Outcome::Skipped, Outcome::Failed}) {
        for (const auto reason : all_skip_reasons()) {
            auto list = some_list();
            list.outcome = outcome;
            list.reason = reason;
            ledger.lists.push_back(list);
        }
    }
    CHECK(read_back(ledger) == ledger);
    for (const auto phase : {HookPhase::Pre, HookPhase::Post, HookPhase::Command}) {
        for (const auto outcome : {HookOutcome::Succeeded,
                                   HookOutcome::Failed,
                                   HookOutcome::TimedOut,
                                   HookOutcome::NotRun}) {
            auto hook = some_hook();
            hook.phase = phase;
            hook.outcome = outcome;
            ledger.hooks.push_back(hook);
        }
    }
    CHECK(read_back(ledger) == ledger);
    for (const auto status : {PointStatus::Complete,
                              PointStatus::Warnings,
                              PointStatus::Incomplete,
                              PointStatus::Failed}) {
        CHECK(point_status_from_text(to_text(status)) == status);
    }
    CHECK(error_code_of([] { return point_status_from_text("Fine"); }) == ErrorCode::CorruptData);
}

TEST_CASE("the status is that of the worst record") {
    Ledger ledger;
    CHECK(ledger.status() == PointStatus::Complete);
    ledger.lists.push_back(some_list());
    ledger.lists[0].outcome = Outcome::Skipped;
    ledger.volumes.push_back(some_volume());
    CHECK(ledger.status() == PointStatus::Complete);
    auto changed = ledger;
    changed.volumes[0].files_changed = 1;
    CHECK(changed.status() == PointStatus::Warnings);
    auto mixed = ledger;
    mixed.lists[0].outcome = Outcome::Protected;
    mixed.lists[0].is_consistent = false;
    CHECK(mixed.status() == PointStatus::Warnings);
    auto warned = ledger;
    warned.warnings = {"x"};
    CHECK(warned.status() == PointStatus::Warnings);
    auto failed_list = warned;
    failed_list.lists[0].outcome = Outcome::Failed;
    CHECK(failed_list.status() == PointStatus::Incomplete);
    auto failed_volume = warned;
    failed_volume.volumes[0].outcome = Outcome::Failed;
    CHECK(failed_volume.status() == PointStatus::Incomplete);
    auto unreadable = warned;
    unreadable.volumes[0].files_unreadable = 1;
    CHECK(unreadable.status() == PointStatus::Incomplete);
    auto problem = warned;
    problem.problems = {{"group", "down"}};
    CHECK(problem.status() == PointStatus::Incomplete);
}

TEST_CASE("what is no ledger is refused, what is unknown is ignored") {
    for (const auto* text : {"null",
                             "[]",
                             "{}",
                             R"({"version":2})",
                             R"({"version":1,"lists":{}})",
                             R"({"version":1,"lists":[{"outcome":"Lost"}]})",
                             R"({"version":1,"lists":[{"outcome":"Failed","count":-1}]})",
                             R"({"version":1,"lists":[1]})",
                             R"({"version":1,"hooks":[{"phase":"Pre","outcome":"Fine"}]})",
                             R"({"version":1,"hooks":[{"phase":"In","outcome":"Failed"}]})",
                             R"({"version":1,"hooks":[)"
                             R"({"phase":"Pre","outcome":"Failed","exitCode":4000000000}]})",
                             R"({"version":1,"warnings":[1]})"}) {
        INFO(text);
        CHECK(error_code_of([&] { return ledger_from_json(parse_json(text)); }) ==
              ErrorCode::CorruptData);
    }
    CHECK(ledger_from_json(parse_json(R"({"version":1,"later":[],"lists":[]})")) == Ledger{});
}
