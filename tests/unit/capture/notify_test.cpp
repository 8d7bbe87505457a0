// SPDX-License-Identifier: Apache-2.0
#include "core/capture/notify.hpp"

#include "tests/support/catch.hpp"

using namespace backup;
using namespace backup::capture;
using backup::testing::contains;

namespace {

model::RecoveryPoint some_point() {
    model::RecoveryPoint point;
    point.id = "abc";
    point.name = "shop-1";
    point.created = parse_rfc3339("2026-11-20T10:00:00Z");
    point.finished = parse_rfc3339("2026-11-20T10:01:05Z");
    point.host = "laptop";
    point.program = "kubectl-backup 1";
    point.namespaces = {"shop"};
    point.statistics.objects = 12;
    point.statistics.volumes = 1;
    return point;
}

}  // namespace

TEST_CASE("the start of a run") {
    const auto json = notice_of_start(some_point());
    CHECK(json.text_at({"apiVersion"}) == "kubectl-backup/v1");
    CHECK(json.text_at({"event"}) == "start");
    CHECK(json.text_at({"name"}) == "shop-1");
    CHECK(json.text_at({"time"}) == "2026-11-20T10:00:00Z");
    CHECK(json.text_at({"text"}) == "kubectl-backup shop-1: started");
    CHECK(json.find("exitCode") == nullptr);
}

TEST_CASE("a run that went well") {
    auto point = some_point();
    point.status = model::PointStatus::Complete;
    const auto json = notice_of_end(point, {}, 0);
    CHECK(json.text_at({"event"}) == "success");
    CHECK(json.text_at({"status"}) == "Complete");
    CHECK(json.text_at({"point", "id"}) == "abc");
    CHECK(json.integer_at({"point", "statistics", "objects"}) == 12);
    CHECK(json.text_at({"text"}) ==
          "kubectl-backup shop-1: Complete, 12 objects, 1 volume, 0 B in 65s");
    CHECK(json.find("findings")->items().empty());
}

TEST_CASE("a point with holes is a failure, and the holes are named") {
    auto point = some_point();
    point.status = model::PointStatus::Incomplete;
    model::Ledger ledger;
    model::VolumeRecord volume;
    volume.name_space = "shop";
    volume.claim = "data";
    volume.outcome = model::Outcome::Failed;
    volume.reason = model::SkipReason::QuotaExceeded;
    volume.message = "exceeded quota";
    ledger.volumes = {volume};
    ledger.warnings = {"odd"};
    const auto json = notice_of_end(point, ledger, 3);
    CHECK(json.text_at({"event"}) == "failure");
    CHECK(json.integer_at({"exitCode"}) == 3);
    CHECK(json.integer_at({"summary", "volumes", "failed"}) == 1);
    const auto& findings = json.find("findings")->items();
    REQUIRE(findings.size() == 2);
    CHECK(findings[0].text_at({"reason"}) == "QuotaExceeded");
    CHECK(findings[0].text_at({"subject"}) == "volume shop/data");
    CHECK(findings[0].text_at({"severity"}) == "incomplete");
    CHECK_THAT(json.text_at({"text"}), contains("volume shop/data: QuotaExceeded and 1 more"));
}

TEST_CASE("a run without a point") {
    const auto error = Error(ErrorCode::ClusterUnreachable, "cannot connect to kube\x1b[31m");
    const auto json = notice_of_error(some_point(), error, parse_rfc3339("2026-11-20T10:00:09Z"));
    CHECK(json.text_at({"event"}) == "failure");
    CHECK(json.integer_at({"exitCode"}) == 20);
    CHECK(json.text_at({"error", "code"}) == "ClusterUnreachable");
    CHECK(json.text_at({"error", "message"}) == "cannot connect to kube\\x1b[31m");
    CHECK(json.text_at({"time"}) == "2026-11-20T10:00:09Z");
}

TEST_CASE("nothing of what a hook is or prints is told") {
    model::Ledger ledger;
    model::HookRecord hook;
    hook.name_space = "shop";
    hook.pod = "db-0";
    hook.command = {"mysql", "--password=planted"};
    hook.output = "planted";
    hook.message = "it said: planted";
    hook.outcome = model::HookOutcome::Failed;
    ledger.hooks = {hook};
    model::VolumeRecord volume;
    volume.outcome = model::Outcome::Failed;
    volume.reason = model::SkipReason::HookFailed;
    volume.message = "the pre hook failed: planted";
    ledger.volumes = {volume};
    const auto json = notice_of_end(some_point(), ledger, 3);
    CHECK(format_json(json).find("planted") == std::string::npos);
    CHECK(json.integer_at({"summary", "hooks", "failed"}) == 1);
    CHECK(json.find("findings")->items().size() == 2);
}

TEST_CASE("a notice stays small, whatever the ledger") {
    model::Ledger ledger;
    ledger.warnings.assign(5000, std::string(10'000, 'x'));
    const auto json = notice_of_end(some_point(), ledger, 0);
    CHECK(format_json(json).size() < 60'000);
    CHECK(json.integer_at({"findingsLeftOut"}) == 4950);
}
