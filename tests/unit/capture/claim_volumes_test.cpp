// SPDX-License-Identifier: Apache-2.0
// What of a claim is read, and through what: its pod, a mover, or a claim that stands for it.
#include "core/capture/claim_volumes.hpp"

#include "core/base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/capture/claim_volumes_fixture.hpp"

#include <algorithm>
#include <filesystem>

using namespace backup;
using namespace backup::capture;
using backup::testing::contains;
using Fixture = backup::testing::ClaimVolumesFixture;
using model::Outcome;
using model::SkipReason;

namespace {
class FakeStandIn : public VolumeStandIn {
  public:
    explicit FakeStandIn(int& closes) : closes_(closes) {}

    const std::string& open(const std::stop_token&) override {
        claim_ = "copy";
        return claim_;
    }

    const std::string& claim() const override { return claim_; }

    volume::ClaimFacts facts(const std::stop_token&) const override {
        volume::ClaimFacts facts;
        facts.name = claim_;
        facts.phase = "Bound";
        return facts;
    }

    std::string find_complaint(const std::stop_token&) const override { return ""; }

    void close() override { ++closes_; }

  private:
    int& closes_;
    std::string claim_;
};

}  // namespace

TEST_CASE("globs of a claim choose its files") {
    Fixture fixture;
    auto plan = fixture.plan("data");
    plan.include = {"d1"};
    plan.exclude = {"file-4"};
    const auto volumes = fixture.read({plan});
    // d1 has 1, 4, 7 and 10.
    CHECK(volumes[0].record.files == 3);
}

TEST_CASE("a volume of a pod and a claim that only one pod may have are read inside that pod") {
    Fixture fixture;
    fixture.directory.write("cache/file", "x");
    auto plan = fixture.plan("web-0:cache");
    plan.pod = "web-0";
    plan.pod_volume = "cache";
    fixture.directory.write("v/file", "y");
    fixture.fill("only", 1, "n1");
    fixture.scene.server.remove("persistentvolumeclaims", "shop", "only");
    fixture.scene.server.add(
        "persistentvolumeclaims",
        "shop",
        "only",
        "",
        R"("spec":{"accessModes":["ReadWriteOncePod"]},"status":{"phase":"Bound"})");
    const auto volumes = fixture.read({plan, fixture.plan("only")});
    CHECK(volumes[0].record.files == 1);
    CHECK(volumes[0].record.claim == "web-0:cache");
    CHECK(volumes[1].record.files == 1);
    std::vector<std::string> pods;
    for (const auto& order : fixture.script.orders) {
        pods.push_back(concat(order.pod, "/", order.pod_volume));
    }
    std::sort(pods.begin(), pods.end());
    CHECK(pods == std::vector<std::string>{"pod-only/v", "web-0/cache"});
}

TEST_CASE("a snapshot is read through a claim that stands for it") {
    Fixture fixture;
    fixture.fill("copy", 5);
    int closes = 0;
    fixture.make_stand_in = [&](const PlannedVolume&, const std::stop_token&) {
        return std::make_unique<FakeStandIn>(closes);
    };
    SECTION("well") {
        const auto volumes = fixture.read({fixture.plan("data", "snapshot")});
        CHECK(volumes[0].record.files == 5);
        CHECK(volumes[0].record.claim == "data");
        CHECK(volumes[0].record.consistency == "snapshot");
    }
    SECTION("and is removed when that fails") {
        std::filesystem::remove_all(fixture.directory / "copy");
        const auto volumes = fixture.read({fixture.plan("data", "snapshot")});
        CHECK(volumes[0].record.outcome == Outcome::Failed);
    }
    CHECK(closes == 1);
}

TEST_CASE("without its snapshot a volume is read live where that is allowed") {
    Fixture fixture;
    fixture.fill("data", 5);
    fixture.make_stand_in = [](const PlannedVolume&,
                               const std::stop_token&) -> std::unique_ptr<VolumeStandIn> {
        throw Error(ErrorCode::MoverFailed, "the array is full");
    };
    auto plan = fixture.plan("data", "snapshot");
    SECTION("with a warning") {
        plan.may_fall_back = true;
        const auto volumes = fixture.read({plan});
        CHECK(volumes[0].record.outcome == Outcome::Protected);
        CHECK(volumes[0].record.method == "live");
        CHECK(volumes[0].record.files == 12);
        CHECK(volumes[0].record.message == "no snapshot: the array is full; read live instead");
        REQUIRE(volumes[0].warnings.size() == 1);
        CHECK(volumes[0].warnings[0] ==
              "volume shop/data is read live: no snapshot: the array is full");
    }
    SECTION("and not at all where a snapshot was asked for") {
        const auto volumes = fixture.read({plan});
        CHECK(volumes[0].record.outcome == Outcome::Failed);
        CHECK(volumes[0].record.reason == model::SkipReason::SnapshotFailed);
        CHECK(volumes[0].warnings.empty());
        CHECK(fixture.script.starts == 0);
    }
}
