// SPDX-License-Identifier: Apache-2.0
// Streams that break, movers that are killed or say nothing, starts that fail: what is tried again,
// and what is told in the end.
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/capture/claim_volumes_fixture.hpp"

#include <atomic>
#include <filesystem>

using namespace backup;
using namespace backup::capture;
using backup::testing::contains;
using backup::testing::error_code_of;
using backup::testing::FrameFault;
using Fixture = backup::testing::ClaimVolumesFixture;
using model::Outcome;
using model::SkipReason;

namespace {

using Kind = FrameFault::Kind;

Error broken(const std::string& what) {
    return Error(ErrorCode::MoverFailed, what).retryable();
}
}  // namespace

TEST_CASE("a stream that breaks at any message is tried again, and nothing is stored twice") {
    const auto kind = GENERATE(Kind::Cut, Kind::Truncate, Kind::Flip, Kind::Renumber);
    std::uint64_t undisturbed = 0;
    {
        Fixture fixture;
        REQUIRE(fixture.read({fixture.plan("data")}).front().captured);
        undisturbed = fixture.chunks_added;
    }
    int met = 0;
    for (int message = 0;; ++message) {
        Fixture fixture;
        std::atomic<bool> was_met = false;
        fixture.script.faults = {{kind, message, &was_met}};
        const auto volumes = fixture.read({fixture.plan("data")});
        if (!was_met) {
            break;
        }
        ++met;
        CAPTURE(message);
        REQUIRE(volumes.front().captured);
        CHECK(volumes.front().record.outcome == Outcome::Protected);
        CHECK(volumes.front().record.files == 12);
        CHECK(volumes.front().record.bytes == 12 * 9'000);
        CHECK(fixture.chunks_added == undisturbed);
        CHECK(fixture.script.starts == 1);
        CHECK(fixture.script.closes == 1);
    }
    CHECK(met > 4);
}

TEST_CASE("a mover that was killed is replaced") {
    Fixture fixture;
    fixture.script.faults = {{Kind::Cut, 2}, {Kind::Truncate, 3}};
    fixture.script.ends = {{true, false, "Evicted: The node was low on resource"},
                           {true, false, "somebody has deleted its pod"}};
    const auto volumes = fixture.read({fixture.plan("data")});
    REQUIRE(volumes.front().captured);
    CHECK(volumes.front().record.outcome == Outcome::Protected);
    CHECK(fixture.script.starts == 3);
    CHECK(fixture.script.closes == 3);
}

TEST_CASE("a mover that is killed again and again makes its volume fail, and no other") {
    Fixture fixture;
    fixture.fill("good", 3);
    for (int i = 0; i < 4; ++i) {
        fixture.script.faults.push_back({Kind::Cut, 1});
        fixture.script.ends.push_back({true, false, "Evicted: disk pressure"});
    }
    const auto volumes = fixture.read({fixture.plan("data"), fixture.plan("good")});
    CHECK(volumes[0].record.outcome == Outcome::Failed);
    CHECK(volumes[0].record.reason == SkipReason::MoverFailed);
    CHECK_THAT(volumes[0].record.message, contains("Evicted: disk pressure"));
    CHECK_FALSE(volumes[0].captured);
    CHECK(volumes[1].record.outcome == Outcome::Protected);
    CHECK(fixture.script.starts == 5);
    CHECK(fixture.script.closes == 5);
}

TEST_CASE("a volume that does not answer fails, is not tried again, and costs no other") {
    Fixture fixture;
    fixture.fill("good", 3);
    fixture.script.hanging = 1;
    const auto volumes = fixture.read({fixture.plan("data"), fixture.plan("good")});
    CHECK(volumes[0].record.outcome == Outcome::Failed);
    CHECK(volumes[0].record.reason == SkipReason::TimedOut);
    CHECK_THAT(volumes[0].record.message,
               contains("nothing could be read from the volume for 10 minutes"));
    CHECK_FALSE(volumes[0].captured);
    CHECK(volumes[1].record.outcome == Outcome::Protected);
    CHECK(fixture.script.starts == 2);
    CHECK(fixture.script.closes == 2);
}

TEST_CASE("a mover that hung because it has ended is replaced") {
    Fixture fixture;
    fixture.script.hanging = 1;
    fixture.script.ends = {{true, false, "Evicted: disk pressure"}};
    const auto volumes = fixture.read({fixture.plan("data")});
    CHECK(volumes[0].record.outcome == Outcome::Protected);
    CHECK(fixture.script.starts == 2);
}

TEST_CASE("a cluster node that is gone is not waited for") {
    Fixture fixture;
    fixture.script.faults = {{Kind::Cut, 1}};
    fixture.script.ends = {{true, true, "its cluster node does not answer"}};
    const auto volumes = fixture.read({fixture.plan("data")});
    CHECK(volumes[0].record.outcome == Outcome::Failed);
    CHECK(volumes[0].record.reason == SkipReason::NodeUnavailable);
    CHECK(fixture.script.starts == 1);
}

TEST_CASE("a full ephemeral disk is told in the mover's words") {
    Fixture fixture;
    for (int i = 0; i < 4; ++i) {
        fixture.script.refusals.push_back(
            broken("the mover has ended with exit code 70; it said: kubectl-backup loader: write "
                   "the program: No space left on device"));
    }
    const auto volumes = fixture.read({fixture.plan("data")});
    CHECK(volumes[0].record.outcome == Outcome::Failed);
    CHECK(volumes[0].record.reason == SkipReason::MoverFailed);
    CHECK_THAT(volumes[0].record.message, contains("No space left on device"));
    CHECK(fixture.script.refusals.empty());
}

TEST_CASE("a stream that never holds is told as such") {
    Fixture fixture;
    for (int i = 0; i < 4; ++i) {
        fixture.script.faults.push_back({Kind::Flip, 1});
    }
    const auto volumes = fixture.read({fixture.plan("data")});
    CHECK(volumes[0].record.outcome == Outcome::Failed);
    CHECK(volumes[0].record.reason == SkipReason::StreamBroken);
    CHECK(fixture.script.faults.empty());
}

TEST_CASE("what cannot get better is not tried again") {
    Fixture fixture;
    std::filesystem::remove_all(fixture.directory / "data");
    const auto volumes = fixture.read({fixture.plan("data")});
    CHECK(volumes[0].record.outcome == Outcome::Failed);
    CHECK_THAT(volumes[0].record.message, contains("No such file"));
    CHECK(fixture.script.starts == 1);
    CHECK(fixture.script.closes == 1);
}

TEST_CASE("a connection that breaks while the mover starts is tried again") {
    Fixture fixture;
    const auto failure = GENERATE(Error(ErrorCode::ClusterUnreachable, "reset"),
                                  Error(ErrorCode::KubeServerError, "etcd leader changed"),
                                  Error(ErrorCode::TimedOut, "no answer"),
                                  broken("it has ended: Evicted"));
    SECTION("and again") {
        fixture.script.start_failures = {failure, failure, failure};
        const auto volumes = fixture.read({fixture.plan("data")});
        CHECK(volumes[0].record.outcome == Outcome::Protected);
        CHECK(volumes[0].record.reason == SkipReason::None);
        CHECK(fixture.script.starts == 4);
    }
    SECTION("but not for ever") {
        fixture.script.start_failures = {failure, failure, failure, failure};
        const auto volumes = fixture.read({fixture.plan("data")});
        CHECK(volumes[0].record.outcome == Outcome::Failed);
        CHECK(volumes[0].record.reason != SkipReason::None);
        CHECK(fixture.script.starts == 4);
    }
}

TEST_CASE("what could not be removed from the cluster is a warning") {
    Fixture fixture;
    SECTION("of a mover") {
        fixture.script.close_failure = Error(ErrorCode::Forbidden, "cannot delete pods");
        const auto volume = fixture.read({fixture.plan("data")}).front();
        CHECK(volume.record.outcome == Outcome::Protected);
        REQUIRE(volume.warnings.size() == 1);
        CHECK_THAT(volume.warnings[0],
                   contains("volume shop/data") && contains("cannot delete pods") &&
                       contains("'kubectl backup cleanup -n shop'"));
    }
    SECTION("of one that was replaced") {
        fixture.script.close_failure = Error(ErrorCode::ClusterUnreachable, "reset");
        fixture.script.faults = {{Kind::Cut, 2}};
        fixture.script.ends = {{true, false, "Evicted"}};
        const auto volume = fixture.read({fixture.plan("data")}).front();
        CHECK(volume.record.outcome == Outcome::Protected);
        CHECK(volume.warnings.size() == 2);
    }
    SECTION("of a start that failed, though each claim then gets its own mover") {
        fixture.fill("a", 2, "n1");
        fixture.fill("b", 2, "n1");
        fixture.script.on_start = [](const MoverOrder& order) {
            if (order.claims.size() > 1) {
                order.on_leftover(Error(ErrorCode::ClusterUnreachable, "reset"));
                throw Error(ErrorCode::MoverFailed, "it hangs");
            }
        };
        const auto volumes = fixture.read({fixture.plan("a"), fixture.plan("b")});
        CHECK(volumes[0].record.outcome == Outcome::Protected);
        CHECK(volumes[1].record.outcome == Outcome::Protected);
        CHECK(volumes[0].warnings.size() + volumes[1].warnings.size() == 1);
    }
}

TEST_CASE("a stop ends everything, and the movers are taken away") {
    Fixture fixture;
    fixture.script.on_start = [](const MoverOrder&) {
        throw Error(ErrorCode::Interrupted, "interrupted");
    };
    CHECK(error_code_of([&] { return fixture.read({fixture.plan("data")}); }) ==
          ErrorCode::Interrupted);
}
