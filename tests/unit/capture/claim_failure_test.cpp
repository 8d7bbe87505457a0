// SPDX-License-Identifier: Apache-2.0
// Why a claim has no data in the point: it went away, is in use, or a right is missing.
#include "core/base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/capture/claim_volumes_fixture.hpp"

#include <algorithm>

using namespace backup;
using namespace backup::capture;
using backup::testing::contains;
using backup::testing::FrameFault;
using Fixture = backup::testing::ClaimVolumesFixture;
using model::Outcome;
using model::SkipReason;

TEST_CASE("a claim that went away costs no other") {
    Fixture fixture;
    const auto volumes = fixture.read({fixture.plan("data"), fixture.plan("gone")});
    CHECK(volumes[0].record.outcome == Outcome::Protected);
    CHECK(volumes[1].record.outcome == Outcome::Skipped);
    CHECK(volumes[1].record.reason == SkipReason::DeletedMeanwhile);
}

TEST_CASE("a claim that goes away while its mover starts was deleted meanwhile") {
    Fixture fixture;
    fixture.script.on_start = [&](const MoverOrder&) {
        fixture.scene.server.remove("persistentvolumeclaims", "shop", "data");
        throw Error(ErrorCode::MoverFailed, "persistentvolumeclaim \"data\" not found");
    };
    const auto volumes = fixture.read({fixture.plan("data")});
    CHECK(volumes[0].record.outcome == Outcome::Skipped);
    CHECK(volumes[0].record.reason == SkipReason::DeletedMeanwhile);
    CHECK_FALSE(volumes[0].captured);
}

TEST_CASE("a claim that goes with its namespace is missed") {
    Fixture fixture;
    fixture.script.on_start = [&](const MoverOrder&) {
        fixture.scene.server.remove("persistentvolumeclaims", "shop", "data");
        fixture.scene.server.add_namespace("shop", R"("deletionTimestamp":"2026-11-20T10:00:00Z")");
        throw Error(ErrorCode::MoverFailed, "persistentvolumeclaim \"data\" not found");
    };
    const auto volumes = fixture.read({fixture.plan("data")});
    CHECK(volumes[0].record.outcome == Outcome::Failed);
    CHECK(volumes[0].record.reason == SkipReason::NamespaceTerminating);
}

TEST_CASE("a claim that is being deleted, and a failure that has nothing to do with it") {
    Fixture fixture;
    fixture.scene.server.add("persistentvolumeclaims",
                             "shop",
                             "data",
                             R"("deletionTimestamp":"2026-11-20T10:00:00Z")",
                             R"("spec":{},"status":{"phase":"Bound"})");
    SECTION("no new pod may mount it") {
        fixture.script.on_start = [](const MoverOrder&) {
            throw Error(ErrorCode::MoverFailed, "is being deleted");
        };
        const auto record = fixture.read({fixture.plan("data")}).front().record;
        CHECK(record.outcome == Outcome::Skipped);
        CHECK(record.reason == SkipReason::Terminating);
    }
    SECTION("a broken stream stays one") {
        for (int i = 0; i < 4; ++i) {
            fixture.script.faults.push_back({FrameFault::Kind::Flip, 1});
        }
        const auto record = fixture.read({fixture.plan("data")}).front().record;
        CHECK(record.outcome == Outcome::Failed);
        CHECK(record.reason == SkipReason::StreamBroken);
    }
}

TEST_CASE("why no mover can be had is told by the reason") {
    Fixture fixture;
    fixture.fill("used", 1, "n1");
    const auto no_mover = [](const MoverOrder&) {
        throw Error(ErrorCode::MoverFailed, "it does not start: Pending");
    };
    fixture.script.on_start = no_mover;
    const auto reason = [&] {
        const auto record = fixture.read({fixture.plan("used")}).front().record;
        CHECK(record.outcome == Outcome::Failed);
        return record.reason;
    };
    const auto add_node = [&](const std::string& ready) {
        fixture.scene.server.add(
            "nodes",
            "",
            "n1",
            "",
            concat(R"("status":{"conditions":[{"type":"Ready","status":")", ready, R"("}]})"));
    };
    SECTION("its cluster node is gone") {
        CHECK(reason() == SkipReason::NodeUnavailable);
    }
    SECTION("its cluster node is not ready") {
        add_node("Unknown");
        CHECK(reason() == SkipReason::NodeUnavailable);
    }
    SECTION("its cluster node is well") {
        add_node("True");
        CHECK(reason() == SkipReason::MoverFailed);
    }
    SECTION("nodes may not be looked at") {
        fixture.scene.server.refuse("get nodes");
        CHECK(reason() == SkipReason::MoverFailed);
    }
    SECTION("only one pod may have it, and that one has") {
        fixture.scene.server.add(
            "persistentvolumeclaims",
            "shop",
            "used",
            "",
            R"("spec":{"accessModes":["ReadWriteOncePod"]},"status":{"phase":"Bound"})");
        CHECK(reason() == SkipReason::InUse);
    }
}

TEST_CASE("a right that turns out to be missing is named as the rule that gives it") {
    Fixture fixture;
    auto& server = fixture.scene.server;
    const model::AccessRule patch{"patch", "", "pods/ephemeralcontainers", "shop"};
    const model::AccessRule create{"create", "", "configmaps", "shop"};
    for (const auto* right : {"pods/ephemeralcontainers", "configmaps", "services"}) {
        server.refuse(concat("review ", right));
    }
    fixture.script.on_start = [](const MoverOrder&) {
        throw Error(ErrorCode::Forbidden, "they are forbidden: User \"u\" cannot make them");
    };
    auto plan = fixture.plan("data");
    const auto rules = [&] {
        const auto record = fixture.read({plan}).front().record;
        CHECK(record.outcome == Outcome::Failed);
        return record.missing_rules;
    };
    SECTION("beside the pods that use the claim") {
        const auto missing = rules();
        CHECK(std::ranges::find(missing, create) != missing.end());
        CHECK(std::ranges::find(missing, patch) == missing.end());
    }
    SECTION("in the pod that the volume belongs to") {
        server.add("pods", "shop", "web-0", "", "");
        plan.pod = "web-0";
        plan.pod_volume = "cache";
        CHECK(rules() == std::vector{patch});
    }
    SECTION("in the only pod that may have the claim") {
        fixture.fill("data", 1, "n1");
        server.remove("persistentvolumeclaims", "shop", "data");
        server.add("persistentvolumeclaims",
                   "shop",
                   "data",
                   "",
                   R"("spec":{"accessModes":["ReadWriteOncePod"]},"status":{"phase":"Bound"})");
        CHECK(rules() == std::vector{patch});
    }
    SECTION("of a claim that may not be looked at") {
        server.refuse("get persistentvolumeclaims");
        server.refuse("review persistentvolumeclaims");
        const model::AccessRule get{"get", "", "persistentvolumeclaims", "shop"};
        const auto missing = rules();
        CHECK(std::ranges::find(missing, get) != missing.end());
    }
    SECTION("of what went away nothing is missing") {
        server.remove("persistentvolumeclaims", "shop", "data");
        const auto record = fixture.read({plan}).front().record;
        CHECK(record.reason == SkipReason::DeletedMeanwhile);
        CHECK(record.missing_rules.empty());
    }
    SECTION("what a mover may not do is no right of the cluster") {
        fixture.script.on_start = nullptr;
        fixture.script.answer = Error(ErrorCode::Forbidden, "may not be opened by user 1000");
        CHECK(rules().empty());
    }
}

TEST_CASE("a device that the mover may not open has a reason of its own") {
    Fixture fixture;
    fixture.script.answer = Error(ErrorCode::Forbidden, "may not be opened by user 1000");
    fixture.script.is_block = GENERATE(true, false);
    const auto record = fixture.read({fixture.plan("data")}).front().record;
    CHECK(record.outcome == Outcome::Failed);
    CHECK(record.reason ==
          (fixture.script.is_block ? SkipReason::BlockWithoutAccess : SkipReason::Forbidden));
    CHECK_THAT(record.message, contains("may not be opened by user 1000"));
    CHECK(fixture.script.starts == 1);
}

TEST_CASE("the API server's refusal of an exec into a mover is about no device") {
    Fixture fixture;
    fixture.script.is_block = true;
    fixture.script.refusals = {Error(ErrorCode::Forbidden, "may not create pods/exec")};
    const auto record = fixture.read({fixture.plan("data")}).front().record;
    CHECK(record.outcome == Outcome::Failed);
    CHECK(record.reason == SkipReason::Forbidden);
}
