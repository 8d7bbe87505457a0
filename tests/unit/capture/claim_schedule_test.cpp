// SPDX-License-Identifier: Apache-2.0
#include "core/capture/claim_schedule.hpp"

#include "core/base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/fake_clock.hpp"

using namespace backup;
using namespace backup::capture;
using backup::testing::FakeClock;

namespace {

using Words = std::vector<std::string>;

class NoRunner : public CommandRunner {
  public:
    void run(const CommandRequest&, CommandReport&, const std::stop_token&) override {}
};

/// Volumes by name: those that begin with "live" are read themselves, the others copied.
struct Scene {
    explicit Scene(const Words& names) {
        plans.reserve(names.size());
        results.reserve(names.size());
        for (const auto& name : names) {
            auto& volume = plans.emplace_back();
            volume.record.name_space = "shop";
            volume.record.claim = name;
            volume.record.method = name.starts_with("live") ? "live" : "snapshot";
            results.push_back({volume.record, std::nullopt});
        }
        for (std::size_t i = 0; i < names.size(); ++i) {
            auto& job = jobs.emplace_back();
            job.plan = &plans[i];
            job.result = &results[i];
        }
    }

    void freeze(Words claims, bool is_wide = false) {
        plan.groups.push_back({"shop", {}, std::move(claims), is_wide});
    }

    ClaimSchedule& start(std::size_t copies_ahead = 2) {
        gate.emplace(HookGateContext{runner, clock, progress}, plan);
        schedule.emplace(jobs, &*gate, copies_ahead);
        return *schedule;
    }

    static std::string text(const ClaimSchedule::Step& step) {
        if (step.read != nullptr) {
            return concat("read ", step.read->plan->record.claim);
        }
        std::string text = "cut";
        for (const auto* job : step.cut) {
            text += concat(" ", job->plan->record.claim);
        }
        return text;
    }

    /// As one thread goes through it.
    Words run() {
        Words words;
        while (const auto step = schedule->take({})) {
            words.push_back(text(*step));
            if (step->read == nullptr) {
                schedule->note_cut(*step);
            }
        }
        return words;
    }

    NoRunner runner;
    FakeClock clock;
    NullProgress progress;
    HookPlan plan;
    std::optional<HookGate> gate;
    std::vector<PlannedVolume> plans;
    std::vector<ClaimVolume> results;
    std::vector<ClaimJob> jobs;
    std::optional<ClaimSchedule> schedule;
};

}  // namespace

TEST_CASE("without hooks volumes are read in their order, whatever the way", "[hooks]") {
    Scene scene({"a", "live-b", "c"});
    scene.start();
    CHECK(scene.run() == Words{"read a", "read live-b", "read c"});
    ClaimSchedule without(scene.jobs, nullptr, 2);
    CHECK(Scene::text(*without.take({})) == "read a");
}

TEST_CASE("what is frozen together is cut together, before any of it is read", "[hooks]") {
    Scene scene({"a", "b", "c", "d", "e", "live-z"});
    scene.freeze({"a", "b", "c", "d", "e"});
    scene.start(2);
    CHECK(scene.run() ==
          Words{"cut a b c d e", "read a", "read b", "read c", "read d", "read e", "read live-z"});
}

TEST_CASE("a volume of a group that is read itself is read as soon as the others are cut",
          "[hooks]") {
    Scene scene({"live-x", "a", "b", "live-y"});
    scene.freeze({"a", "b", "live-y"});
    scene.start();
    CHECK(scene.run() == Words{"read live-x", "cut a b", "read live-y", "read a", "read b"});
}

TEST_CASE("what cannot be cut is read before what is", "[hooks]") {
    Scene scene({"a", "b", "c"});
    scene.freeze({"a", "b", "c"});
    auto& schedule = scene.start();
    const auto step = schedule.take({});
    step->cut[1]->cut_failure = Error(ErrorCode::MoverFailed, "no");
    schedule.note_cut(*step);
    CHECK(scene.run() == Words{"read b", "read a", "read c"});
}

TEST_CASE("pods around a namespace make one group of all its volumes", "[hooks]") {
    Scene scene({"a", "b", "c"});
    scene.freeze({"a"});
    scene.freeze({"b", "c"});
    scene.freeze({"a", "b", "c"}, true);
    scene.start(1);
    CHECK(scene.run() == Words{"cut a b c", "read a", "read b", "read c"});
}

TEST_CASE("copies wait in bounded number, groups are never split", "[hooks]") {
    Scene scene({"a", "b", "c", "d", "e"});
    scene.freeze({"a"});
    scene.freeze({"b"});
    scene.freeze({"c", "d", "e"});
    auto& schedule = scene.start(2);
    const auto first = schedule.take({});
    const auto second = schedule.take({});
    CHECK(Scene::text(*first) == "cut a");
    CHECK(Scene::text(*second) == "cut b");
    // Two copies are under way: the group of three has to wait, whoever asks.
    std::stop_source hurry;
    hurry.request_stop();
    CHECK(testing::error_code_of([&] { return schedule.take(hurry.get_token()).has_value(); }) ==
          ErrorCode::Interrupted);
    schedule.note_cut(*first);
    CHECK(Scene::text(*schedule.take({})) == "read a");
    CHECK(testing::error_code_of([&] { return schedule.take(hurry.get_token()).has_value(); }) ==
          ErrorCode::Interrupted);
    schedule.note_cut(*second);
    CHECK(scene.run() == Words{"read b", "cut c d e", "read c", "read d", "read e"});
}

TEST_CASE("who has nothing to do waits for what is being cut, or for a stop", "[hooks]") {
    Scene scene({"a"});
    scene.freeze({"a"});
    auto& schedule = scene.start();
    const auto step = schedule.take({});
    std::stop_source stop;
    stop.request_stop();
    CHECK(testing::error_code_of([&] { return schedule.take(stop.get_token()).has_value(); }) ==
          ErrorCode::Interrupted);
    schedule.note_cut(*step);
    CHECK(scene.run() == Words{"read a"});
    CHECK_FALSE(schedule.take({}).has_value());
}
