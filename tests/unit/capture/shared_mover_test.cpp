// SPDX-License-Identifier: Apache-2.0
// Claims that are read through one mover, at the same time, and share what happens to it.
#include "tests/support/catch.hpp"
#include "tests/unit/capture/claim_volumes_fixture.hpp"

using namespace backup;
using namespace backup::capture;
using backup::testing::contains;
using Fixture = backup::testing::ClaimVolumesFixture;
using model::Outcome;
using model::SkipReason;

TEST_CASE("claims of one cluster node are read through one mover, at the same time") {
    Fixture fixture;
    std::vector<PlannedVolume> plans;
    for (const auto* name : {"a", "b", "c", "d"}) {
        fixture.fill(name, 4, "n1");
        plans.push_back(fixture.plan(name));
    }
    plans.push_back(fixture.plan("data"));
    fixture.at_once = GENERATE(1U, 3U);
    const auto volumes = fixture.read(plans);
    for (const auto& volume : volumes) {
        CHECK(volume.record.outcome == Outcome::Protected);
        CHECK(volume.record.consistency == (volume.record.claim == "data" ? "idle" : "crash"));
    }
    CHECK(fixture.script.starts == 2);
    CHECK(fixture.script.closes == 2);
}

TEST_CASE("claims whose common mover does not start get one each") {
    Fixture fixture;
    fixture.fill("good", 2, "n1");
    fixture.fill("hangs", 2, "n1");
    fixture.script.on_start = [](const MoverOrder& order) {
        for (const auto& claim : order.claims) {
            if (claim.name == "hangs") {
                throw Error(ErrorCode::MoverFailed, "it cannot be mounted");
            }
        }
    };
    const auto volumes = fixture.read({fixture.plan("good"), fixture.plan("hangs")});
    CHECK(volumes[0].record.outcome == Outcome::Protected);
    CHECK(volumes[0].record.reason == SkipReason::None);
    CHECK(volumes[1].record.outcome == Outcome::Failed);
    CHECK(fixture.script.starts == 3);
}

TEST_CASE("a refusal counts for all claims of a mover, and is asked for once") {
    Fixture fixture;
    fixture.fill("a", 2, "n1");
    fixture.fill("b", 2, "n1");
    fixture.script.on_start = [](const MoverOrder&) {
        throw Error(ErrorCode::Forbidden, "exceeded quota: pods");
    };
    const auto volumes = fixture.read({fixture.plan("a"), fixture.plan("b")});
    for (const auto& volume : volumes) {
        CHECK(volume.record.outcome == Outcome::Failed);
        CHECK(volume.record.reason == SkipReason::QuotaExceeded);
    }
    CHECK(fixture.script.starts == 1);
}

TEST_CASE("a quota that has room for one mover at a time makes the others wait") {
    Fixture fixture;
    std::vector<PlannedVolume> plans;
    for (const auto* name : {"a", "b", "c"}) {
        fixture.fill(name, 2);
        plans.push_back(fixture.plan(name));
    }
    fixture.at_once = 3;
    int refused = 0;
    fixture.script.on_start = [&](const MoverOrder&) {
        // One that was refused does not count as started.
        if (fixture.script.starts - refused > fixture.script.closes + 1) {
            ++refused;
            throw Error(ErrorCode::Forbidden, "exceeded quota: small, requested: pods=1");
        }
    };
    for (const auto& volume : fixture.read(plans)) {
        CHECK(volume.record.outcome == Outcome::Protected);
    }
    CHECK(fixture.script.closes == 3);
}

TEST_CASE("volumes with a common mover try to start it again together, not each") {
    Fixture fixture;
    fixture.fill("a", 2, "n1");
    fixture.fill("b", 2, "n1");
    fixture.at_once = GENERATE(1U, 2U);
    const Error failure(ErrorCode::ClusterUnreachable, "reset");
    fixture.script.start_failures = {failure, failure};
    const auto volumes = fixture.read({fixture.plan("a"), fixture.plan("b")});
    CHECK(volumes[0].record.outcome == Outcome::Protected);
    CHECK(volumes[1].record.outcome == Outcome::Protected);
    CHECK(fixture.script.starts == 3);
    CHECK(fixture.script.closes == 1);
}
