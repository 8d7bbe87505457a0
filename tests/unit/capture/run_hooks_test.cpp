// SPDX-License-Identifier: Apache-2.0
#include "core/capture/run_hooks.hpp"

#include "core/base/synchronized.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/seeded_random.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

using namespace backup;
using namespace backup::capture;
using backup::testing::contains;
using backup::testing::error_code_of;
using backup::testing::FakeClock;
using model::HookOutcome;
using model::HookPhase;

namespace {

using Words = std::vector<std::string>;

/// Commands that a test plays; what was run, in order.
class FakeRunner : public CommandRunner {
  public:
    using Play = std::function<int(const CommandRequest&, const std::stop_token&)>;

    explicit FakeRunner(FakeClock& clock) : clock_(clock) {}

    void run(const CommandRequest& request,
             CommandReport& report,
             const std::stop_token& stop) override {
        note(concat(request.command.front(), " ", request.pod));
        clock_.advance(std::chrono::milliseconds(7));
        report.tail = "said " + request.pod;
        if (play) {
            report.exit_code = play(request, stop);
        } else {
            report.exit_code = 0;
        }
    }

    void note(std::string text) { log_.lock()->push_back(std::move(text)); }

    Words log() { return *log_.lock(); }

    Play play;

  private:
    FakeClock& clock_;
    Synchronized<Words> log_;
};

PlannedHook hook(const std::string& pod, HookPhase phase, bool may_fail = false) {
    PlannedHook planned;
    planned.record.name_space = "shop";
    planned.record.pod = pod;
    planned.record.container = "main";
    planned.record.command = {phase == HookPhase::Pre ? "freeze" : "thaw"};
    planned.record.phase = phase;
    planned.record.outcome = HookOutcome::NotRun;
    planned.record.may_fail = may_fail;
    planned.timeout = std::chrono::seconds(30);
    return planned;
}

FrozenPod frozen(const std::string& pod, Words claims, bool may_fail = false) {
    return {{hook(pod, HookPhase::Pre, may_fail)}, {hook(pod, HookPhase::Post)}, std::move(claims)};
}

HookGroup group(std::vector<FrozenPod> pods, Words claims, bool is_wide = false) {
    return {"shop", std::move(pods), std::move(claims), is_wide};
}

struct Scene {
    explicit Scene(std::vector<HookGroup> groups) {
        plan.groups = std::move(groups);
        gate.emplace(HookGateContext{runner,
                                     clock,
                                     progress,
                                     [this](std::chrono::nanoseconds, const std::stop_token&) {
                                         ++pauses;
                                         return true;
                                     }},
                     plan);
    }

    /// Reads a volume as the capture does: what came of it.
    std::string read(const std::string& claim, const std::stop_token& stop = {}) {
        auto pass = gate->pass("shop", claim);
        if (const auto refusal = pass.enter(stop)) {
            return *refusal;
        }
        runner.note("read " + claim);
        pass.leave();
        return pass.is_frozen() ? "frozen" : "live";
    }

    FakeClock clock;
    FakeRunner runner{clock};
    NullProgress progress;
    HookPlan plan;
    int pauses = 0;
    std::optional<HookGate> gate;
};

}  // namespace

TEST_CASE("all pre hooks of a group, then its data, then all post hooks", "[hooks]") {
    Scene scene({group({frozen("a", {"x"}), frozen("b", {"x", "y"})}, {"x", "y"})});
    CHECK(scene.read("x") == "frozen");
    CHECK(scene.read("other") == "live");
    CHECK(scene.read("y") == "frozen");
    CHECK(scene.runner.log() ==
          Words{"freeze a", "freeze b", "read x", "read other", "read y", "thaw b", "thaw a"});
    scene.gate->finish();
    const auto records = scene.gate->take_records();
    REQUIRE(records.size() == 4);
    CHECK(records[0].pod == "a");
    CHECK(records[0].outcome == HookOutcome::Succeeded);
    CHECK(records[0].exit_code == 0);
    CHECK(records[0].duration_ms == 7);
    CHECK(records[0].output == "said a");
    CHECK(records[0].message.empty());
    CHECK(records[2].phase == HookPhase::Post);
    CHECK(scene.runner.log().size() == 7);
}

TEST_CASE("a pod without volumes freezes first and thaws last", "[hooks]") {
    Scene scene(
        {group({frozen("db", {"x"})}, {"x"}), group({frozen("front", {})}, {"x", "y"}, true)});
    CHECK(scene.read("x") == "frozen");
    CHECK(scene.read("y") == "live");
    CHECK(scene.runner.log() ==
          Words{"freeze front", "freeze db", "read x", "thaw db", "read y", "thaw front"});
}

TEST_CASE("a pre hook that fails costs the volumes of its pod alone", "[hooks]") {
    Scene scene({group({frozen("a", {"x"}), frozen("b", {"y"})}, {"x", "y"})});
    scene.runner.play = [](const CommandRequest& request, const std::stop_token&) {
        return request.pod == "a" && request.command.front() == "freeze" ? 3 : 0;
    };
    CHECK(scene.read("x") == "the pre hook of pod shop/a failed: exit code 3");
    CHECK(scene.read("y") == "frozen");
    // It is thawed all the same: half of what it had to do may be done.
    CHECK(scene.runner.log() == Words{"freeze a", "freeze b", "read y", "thaw b", "thaw a"});
    const auto records = scene.gate->take_records();
    CHECK(records[0].outcome == HookOutcome::Failed);
    CHECK(records[0].exit_code == 3);
    CHECK(records[0].message == "exit code 3");
}

TEST_CASE("on-error Continue: the volume is read, but not called consistent", "[hooks]") {
    Scene scene({group({frozen("a", {"x"}, true)}, {"x"})});
    scene.runner.play = [](const CommandRequest& request, const std::stop_token&) {
        return request.command.front() == "freeze" ? 1 : 0;
    };
    CHECK(scene.read("x") == "live");
    CHECK(scene.runner.log() == Words{"freeze a", "read x", "thaw a"});
}

TEST_CASE("an annotation that could not be read is a pre hook that failed", "[hooks]") {
    auto pod = frozen("a", {"x"});
    pod.pre[0].problem = "the annotation cannot be read: offset 3";
    Scene scene({group({pod}, {"x"})});
    CHECK_THAT(scene.read("x"), contains("cannot be read: offset 3"));
    CHECK(scene.runner.log() == Words{"thaw a"});
}

TEST_CASE("after a failed pre hook the pod's others do not run", "[hooks]") {
    auto pod = frozen("a", {"x"});
    pod.pre.push_back(pod.pre[0]);
    Scene scene({group({pod}, {"x"})});
    scene.runner.play = [](const CommandRequest&, const std::stop_token&) { return 9; };
    scene.read("x");
    CHECK(scene.runner.log() == Words{"freeze a", "thaw a"});
}

TEST_CASE("a hook that takes too long", "[hooks]") {
    Scene scene({group({frozen("a", {"x"})}, {"x"})});
    scene.runner.play = [](const CommandRequest& request, const std::stop_token&) -> int {
        if (request.command.front() == "freeze") {
            throw Error(ErrorCode::TimedOut, "it has not ended after 30 s");
        }
        return 0;
    };
    CHECK_THAT(scene.read("x"), contains("30 s"));
    const auto records = scene.gate->take_records();
    CHECK(records.at(0).outcome == HookOutcome::TimedOut);
    CHECK(records.at(0).exit_code == -1);
    CHECK(records.at(1).outcome == HookOutcome::Succeeded);
}

TEST_CASE("a post hook whose connection breaks is run again, a pre hook is not", "[hooks]") {
    Scene scene({group({frozen("a", {"x"})}, {"x"})});
    int failures = 2;
    scene.runner.play = [&](const CommandRequest& request, const std::stop_token&) -> int {
        if (request.command.front() == "thaw" && failures-- > 0) {
            throw Error(ErrorCode::ClusterUnreachable, "connection reset");
        }
        return 0;
    };
    CHECK(scene.read("x") == "frozen");
    CHECK(scene.runner.log() == Words{"freeze a", "read x", "thaw a", "thaw a", "thaw a"});
    CHECK(scene.pauses == 2);
    auto records = scene.gate->take_records();
    REQUIRE(records.size() == 2);
    CHECK(records[1].outcome == HookOutcome::Succeeded);
    CHECK(records[1].duration_ms == 21);

    Scene broken({group({frozen("a", {"x"})}, {"x"})});
    broken.runner.play = [&](const CommandRequest&, const std::stop_token&) -> int {
        throw Error(ErrorCode::ExecFailed, "the stream broke");
    };
    CHECK_THAT(broken.read("x"), contains("the stream broke"));
    CHECK(broken.runner.log() == Words{"freeze a", "thaw a", "thaw a", "thaw a"});
    CHECK(broken.gate->take_records().at(1).outcome == HookOutcome::Failed);
}

TEST_CASE("an exit code of a post hook is no reason to run it again", "[hooks]") {
    Scene scene({group({frozen("a", {"x"})}, {"x"})});
    scene.runner.play = [](const CommandRequest& request, const std::stop_token&) {
        return request.command.front() == "thaw" ? 5 : 0;
    };
    CHECK(scene.read("x") == "frozen");
    CHECK(scene.runner.log() == Words{"freeze a", "read x", "thaw a"});
}

TEST_CASE("volumes that never came: finish thaws", "[hooks]") {
    Scene scene({group({frozen("a", {"x", "y"})}, {"x", "y"})});
    CHECK(scene.read("x") == "frozen");
    CHECK(scene.runner.log() == Words{"freeze a", "read x"});
    scene.gate.reset();
    CHECK(scene.runner.log() == Words{"freeze a", "read x", "thaw a"});
}

TEST_CASE("nothing was read: nothing is frozen or thawed", "[hooks]") {
    Scene scene({group({frozen("a", {"x"})}, {"x"})});
    { const auto pass = scene.gate->pass("shop", "x"); }
    scene.gate->finish();
    CHECK(scene.runner.log().empty());
    CHECK(scene.gate->take_records().empty());
}

TEST_CASE("stop while a pre hook runs: thawed at once, with a stop of its own", "[hooks]") {
    Scene scene({group({frozen("a", {"x"}), frozen("b", {"y"})}, {"x", "y"})});
    std::stop_source stop;
    bool post_was_stopped = true;
    scene.runner.play = [&](const CommandRequest& request, const std::stop_token& token) -> int {
        if (request.command.front() == "freeze") {
            stop.request_stop();
            throw Error(ErrorCode::Interrupted, "interrupted");
        }
        post_was_stopped = token.stop_requested();
        return 0;
    };
    auto other = scene.gate->pass("shop", "y");
    CHECK(error_code_of([&] { return scene.read("x", stop.get_token()); }) ==
          ErrorCode::Interrupted);
    CHECK(scene.runner.log() == Words{"freeze a", "thaw a"});
    CHECK_FALSE(post_was_stopped);
    CHECK(error_code_of([&] { return other.enter(stop.get_token()); }) == ErrorCode::Interrupted);
    CHECK(scene.runner.log().size() == 2);
}

TEST_CASE("stop while data is read: thawed when the reader lets go", "[hooks]") {
    Scene scene({group({frozen("a", {"x", "y"})}, {"x", "y"})});
    std::stop_source stop;
    {
        auto pass = scene.gate->pass("shop", "x");
        CHECK_FALSE(pass.enter(stop.get_token()).has_value());
        stop.request_stop();
        CHECK(scene.runner.log() == Words{"freeze a"});
    }
    CHECK(scene.runner.log() == Words{"freeze a", "thaw a"});
}

TEST_CASE("volumes of a group are read one behind the other", "[hooks]") {
    const Scene scene({group({frozen("a", {"x"})}, {"x", "z"}),
                       group({frozen("b", {"y"})}, {"y"}),
                       group({frozen("front", {})}, {"o", "x", "y", "z"}, true)});
    CHECK(scene.gate->rank_of("shop", "x") == scene.gate->rank_of("shop", "z"));
    CHECK(scene.gate->rank_of("shop", "y") != scene.gate->rank_of("shop", "x"));
    CHECK(scene.gate->rank_of("shop", "o") < scene.gate->rank_of("shop", "nothing"));
    CHECK(scene.gate->rank_of("other", "x") == scene.gate->rank_of("shop", "nothing"));
}

namespace {

/// What must hold for each pod whatever happens, checked as the commands run.
class Watcher {
  public:
    explicit Watcher(const HookPlan& plan) : plan_(plan) {
        for (const auto& each : plan.groups) {
            for (const auto& pod : each.pods) {
                group_of_[pod.pre.front().record.pod] = &each;
            }
        }
    }

    void freeze(const std::string& pod) {
        auto state = state_.lock();
        fail_if(state->thawed.contains(pod), pod + " frozen after it was thawed");
        fail_if(!state->begun.insert(pod).second, pod + " frozen twice");
        for (const auto& claim : group_of_.at(pod)->claims) {
            fail_if(state->reading.contains(claim) || state->read.contains(claim),
                    claim + " was touched before " + pod + " was frozen");
        }
    }

    void frozen(const std::string& pod) { state_.lock()->ended.insert(pod); }

    void thaw(const std::string& pod) {
        auto state = state_.lock();
        fail_if(!state->begun.contains(pod), pod + " thawed, but it was never frozen");
        fail_if(!state->ended.contains(pod), pod + " thawed while its pre hook ran");
        state->thawed.insert(pod);
        for (const auto& claim : group_of_.at(pod)->claims) {
            fail_if(state->reading.contains(claim), claim + " is read while " + pod + " thaws");
        }
    }

    void begin_read(const std::string& claim) {
        auto state = state_.lock();
        state->reading.insert(claim);
        for (const auto& each : plan_.groups) {
            const auto& claims = each.claims;
            if (std::find(claims.begin(), claims.end(), claim) == claims.end()) {
                continue;
            }
            for (const auto& pod : each.pods) {
                const auto& name = pod.pre.front().record.pod;
                fail_if(!state->ended.contains(name), claim + " read before " + name);
                fail_if(state->thawed.contains(name), claim + " read after " + name + " thawed");
            }
        }
    }

    void end_read(const std::string& claim) {
        auto state = state_.lock();
        state->reading.erase(claim);
        state->read.insert(claim);
    }

    /// Empty when all was well.
    std::string verdict() {
        auto state = state_.lock();
        fail_if(state->begun != state->thawed, "a pod that was frozen was not thawed");
        return *wrong_.lock();
    }

  private:
    struct State {
        std::set<std::string> begun;
        std::set<std::string> ended;
        std::set<std::string> thawed;
        std::set<std::string> reading;
        std::set<std::string> read;
    };

    void fail_if(bool is_wrong, const std::string& what) {
        if (is_wrong) {
            wrong_.lock()->append(what + "\n");
        }
    }

    const HookPlan& plan_;
    std::map<std::string, const HookGroup*> group_of_;
    Synchronized<State> state_;
    Synchronized<std::string> wrong_;
};

HookPlan random_plan(testing::SeededRandom& random, Words& claims) {
    std::vector<HookPod> pods;
    std::vector<HookVolume> volumes;
    const auto claim_count = 1 + random.below(5);
    for (std::uint64_t i = 0; i < claim_count; ++i) {
        claims.push_back(concat("claim-", i));
        volumes.push_back({"shop", claims.back(), random.below(4) == 0 ? "g" : ""});
    }
    const auto pod_count = 1 + random.below(5);
    for (std::uint64_t i = 0; i < pod_count; ++i) {
        HookPod pod;
        pod.subject.ns = "shop";
        pod.name = concat("pod-", i);
        pod.containers = {"main"};
        const auto* const on_error = random.below(2) == 0 ? "Fail" : "Continue";
        pod.subject.annotations = {
            {"kubectl-backup/pre-hook",
             concat(R"({"command":["freeze"],"onError":")", on_error, R"("})")},
            {"kubectl-backup/post-hook", R"({"command":["thaw"]})"}};
        for (const auto& claim : claims) {
            if (random.below(3) == 0) {
                pod.claims.push_back(claim);
            }
        }
        pods.push_back(std::move(pod));
    }
    return plan_hooks(std::move(pods), volumes, {});
}

/// One run with failures, broken connections and a stop at random places.
std::string run_randomly(std::uint64_t seed) {
    testing::SeededRandom random(seed);
    Words claims;
    FakeClock clock;
    NullProgress progress;
    FakeRunner runner(clock);
    const auto plan = random_plan(random, claims);
    Watcher watcher(plan);
    Synchronized<testing::SeededRandom> dice{testing::SeededRandom(seed + 1)};
    const auto stop_after = random.below(3) == 0 ? random.below(12) : 1000;
    std::atomic<std::uint64_t> events = 0;
    std::stop_source stop;
    const auto tick = [&] {
        if (events++ == stop_after) {
            stop.request_stop();
        }
    };
    runner.play = [&](const CommandRequest& request, const std::stop_token& token) -> int {
        tick();
        const bool is_pre = request.command.front() == "freeze";
        is_pre ? watcher.freeze(request.pod) : watcher.thaw(request.pod);
        const auto roll = dice.lock()->below(6);
        if (is_pre) {
            watcher.frozen(request.pod);
        }
        if (token.stop_requested()) {
            throw Error(ErrorCode::Interrupted, "interrupted");
        }
        if (roll == 1) {
            throw Error(ErrorCode::ExecFailed, "the stream broke");
        }
        return roll == 0 ? 1 : 0;
    };
    {
        HookGate gate({runner,
                       clock,
                       progress,
                       [](std::chrono::nanoseconds, const std::stop_token&) { return true; }},
                      plan);
        std::atomic<std::size_t> next = 0;
        TaskGroup readers(stop.get_token());
        for (int i = 0; i < 3; ++i) {
            readers.start([&](const std::stop_token& token) {
                for (std::size_t at = next++; at < claims.size(); at = next++) {
                    auto pass = gate.pass("shop", claims[at]);
                    const auto roll = dice.lock()->below(8);
                    if (roll == 0) {
                        continue;  // its mover could not be started
                    }
                    if (pass.enter(token)) {
                        continue;
                    }
                    watcher.begin_read(claims[at]);
                    tick();
                    watcher.end_read(claims[at]);
                    if (roll == 1) {
                        throw Error(ErrorCode::NoSpace, "the repository is full");
                    }
                }
            });
        }
        static_cast<void>(failure_of([&] { readers.wait(); }));
    }
    return watcher.verdict();
}

}  // namespace

TEST_CASE("each pod that was frozen is thawed, whatever fails or stops", "[hooks][property]") {
    for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
        const auto verdict = run_randomly(seed);
        if (!verdict.empty()) {
            CAPTURE(seed);
            FAIL(verdict);
        }
    }
    SUCCEED();
}
