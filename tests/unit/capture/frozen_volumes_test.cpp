// SPDX-License-Identifier: Apache-2.0
// Volumes read through the gate of the hooks: movers are threads of this process beside real
// directories, commands are played.
#include "core/base/text.hpp"
#include "core/capture/claim_volumes.hpp"
#include "core/capture/run_hooks.hpp"
#include "tests/support/capture_scene.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/faulty_mover.hpp"
#include "tests/support/temp_dir.hpp"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>

using namespace backup;
using namespace backup::capture;
using backup::testing::CaptureScene;
using backup::testing::contains;
using backup::testing::error_code_of;
using backup::testing::TempDir;
using model::Outcome;
using model::SkipReason;

namespace {

using Words = std::vector<std::string>;

struct Log {
    void add(std::string text) { words.lock()->push_back(std::move(text)); }

    Synchronized<Words> words;
    bool hangs = false;  // every mover, once it is asked for a volume
    std::vector<std::unique_ptr<volume::Channel>> silent;
};

class LoggedRunner : public CommandRunner {
  public:
    explicit LoggedRunner(Log& log) : log_(log) {}

    void run(const CommandRequest& request,
             CommandReport& report,
             const std::stop_token&) override {
        log_.add(concat(request.command.front(), " ", request.pod));
        if (on_command) {
            on_command(request.command.front());
        }
        report.exit_code = request.pod == failing && request.command.front() == "freeze" ? 2 : 0;
    }

    std::string failing;
    std::function<void(const std::string&)> on_command;

  private:
    Log& log_;
};

class LoggedMover : public volume::Mover {
  public:
    LoggedMover(Log& log, Clock& clock, std::filesystem::path root)
        : log_(log),
          clock_(clock),
          root_(std::move(root)) {
        log_.add("mover");
    }

    std::unique_ptr<volume::Channel> open_channel() override {
        if (log_.hangs) {
            auto ends = volume::make_local_channels();
            log_.silent.push_back(std::move(ends.mover));
            return std::move(ends.client);
        }
        return testing::open_faulty_mover(clock_, {});
    }

    // Asked for when reading begins.
    std::string path_of(std::string_view claim) const override {
        log_.add(concat("read ", claim));
        return (root_ / claim).string();
    }

    bool is_block(std::string_view) const override { return false; }

    volume::MoverEnd find_end() override { return {}; }

    volume::MoverIdentity identity() const override { return volume::MoverIdentity::Root; }

    void close() override {}

  private:
    Log& log_;
    Clock& clock_;
    std::filesystem::path root_;
};

class LoggedCopy : public VolumeStandIn {
  public:
    LoggedCopy(Log& log, bool is_broken) : log_(log), is_broken_(is_broken) { log_.add("cut"); }

    const std::string& open(const std::stop_token&) override {
        if (is_broken_) {
            throw Error(ErrorCode::KubeInvalid, "the copy cannot be had");
        }
        return name_;
    }

    const std::string& claim() const override { return name_; }

    volume::ClaimFacts facts(const std::stop_token&) const override {
        volume::ClaimFacts facts;
        facts.name = name_;
        return facts;
    }

    std::string find_complaint(const std::stop_token&) const override { return {}; }

    void close() override {}

  private:
    Log& log_;
    bool is_broken_;
    std::string name_ = "a";
};

HookPod hooked(const std::string& name, Words claims) {
    HookPod pod;
    pod.subject.ns = "shop";
    pod.subject.annotations = {{"kubectl-backup/pre-hook", R"({"command":["freeze"]})"},
                               {"kubectl-backup/post-hook", R"({"command":["thaw"]})"}};
    pod.name = name;
    pod.containers = {"main"};
    pod.claims = std::move(claims);
    return pod;
}

struct Fixture {
    void fill(const std::string& claim) {
        directory.write(claim + "/file", "content");
        scene.server.add("persistentvolumeclaims",
                         "shop",
                         claim,
                         "",
                         R"("spec":{"accessModes":["ReadWriteOnce"]},"status":{"phase":"Bound"})");
        PlannedVolume volume;
        volume.record.name_space = "shop";
        volume.record.claim = claim;
        volume.record.method = "live";
        plans.push_back(volume);
        volumes.push_back({"shop", claim, {}});
    }

    void fill(const Words& claims, const std::string& method) {
        for (const auto& claim : claims) {
            fill(claim);
            plans.back().record.method = method;
        }
    }

    std::vector<ClaimVolume> read(std::vector<HookPod> pods) {
        const auto plan = plan_hooks(std::move(pods), volumes, {});
        kube::Client client(CaptureScene::config(), scene.client_options());
        repository::ChunkStore chunks(repository);
        repository::Writer writer(repository, chunks, scene.random, scene.clock);
        PreviousPoints previous(repository, chunks, {});
        NullProgress progress;
        const volume::MoverProgram no_program;
        HookGate gate({runner, scene.clock, progress}, plan);
        ClaimVolumesContext context{
            client, no_program, {}, repository, writer, scene.clock, previous, progress, ""};
        context.at_once = at_once;
        context.hooks = &gate;
        context.make_stand_in = [this](const PlannedVolume&, const std::stop_token&) {
            if (refused_cuts-- > 0) {
                throw Error(ErrorCode::MoverFailed, "no snapshot today");
            }
            return std::make_unique<LoggedCopy>(log, is_copy_broken);
        };
        context.start_mover = [this](const MoverOrder& order, const std::stop_token&) {
            if (on_start) {
                on_start(order);
            }
            return std::make_unique<LoggedMover>(log, scene.clock, directory.path());
        };
        context.sleep = [](std::chrono::nanoseconds, const std::stop_token&) { return true; };
        context.stall.sleep = [this](std::chrono::nanoseconds, const std::stop_token& stop) {
            return log.hangs ? !stop.stop_requested() : sleep_for(std::chrono::hours(24), stop);
        };
        auto results = capture_claims(context, plans, {});
        gate.finish();
        return results;
    }

    Words words() { return *log.words.lock(); }

    CaptureScene scene;
    repository::Repository repository = testing::open_tiny_repository(scene.backend, scene.key);
    TempDir directory;
    Log log;
    LoggedRunner runner{log};
    bool is_copy_broken = false;
    std::atomic<int> refused_cuts = 0;
    unsigned at_once = 1;
    std::function<void(const MoverOrder&)> on_start;
    std::vector<PlannedVolume> plans;
    std::vector<HookVolume> volumes;
};

}  // namespace

TEST_CASE("frozen when the mover is ready, thawed when all of the group is read", "[hooks]") {
    Fixture fixture;
    fixture.fill("a");
    fixture.fill("b");
    fixture.fill("c");
    const auto results = fixture.read({hooked("db", {"a", "c"})});
    CHECK(fixture.words() ==
          Words{"mover", "freeze db", "read a", "mover", "read c", "thaw db", "mover", "read b"});
    CHECK(results[0].record.consistency == "application");
    CHECK(results[1].record.consistency == "idle");
    CHECK(results[2].record.consistency == "application");
}

TEST_CASE("an application whose volume does not answer goes on", "[hooks]") {
    Fixture fixture;
    fixture.fill("a");
    fixture.log.hangs = true;
    const auto results = fixture.read({hooked("db", {"a"})});
    CHECK(fixture.words() == Words{"mover", "freeze db", "read a", "thaw db"});
    CHECK(results[0].record.outcome == Outcome::Failed);
    CHECK(results[0].record.reason == SkipReason::TimedOut);
}

TEST_CASE("a pre hook that failed is the reason why there is no data", "[hooks]") {
    Fixture fixture;
    fixture.fill("a");
    fixture.fill("b");
    fixture.runner.failing = "db";
    const auto results = fixture.read({hooked("db", {"a"})});
    CHECK(results[0].record.outcome == Outcome::Failed);
    CHECK(results[0].record.reason == SkipReason::HookFailed);
    CHECK_THAT(results[0].record.message,
               testing::starts_with("the pre hook of pod shop/db failed: exit code 2 (what it"));
    CHECK_FALSE(results[0].captured.has_value());
    CHECK(results[1].record.outcome == Outcome::Protected);
    CHECK(fixture.words() == Words{"mover", "freeze db", "thaw db", "mover", "read b"});
}

TEST_CASE("with a copy the application goes on when it is cut", "[hooks]") {
    Fixture fixture;
    fixture.fill("a");
    fixture.plans[0].record.method = "snapshot";
    const auto results = fixture.read({hooked("db", {"a"})});
    CHECK(fixture.words() == Words{"freeze db", "cut", "thaw db", "mover", "read a"});
    CHECK(results[0].record.outcome == Outcome::Protected);
    CHECK(results[0].record.consistency == "application");
}

TEST_CASE("a copy that cannot be had: read live, and not called consistent", "[hooks]") {
    Fixture fixture;
    fixture.fill("a");
    fixture.plans[0].record.method = "snapshot";
    fixture.plans[0].may_fall_back = true;
    fixture.is_copy_broken = true;
    const auto results = fixture.read({hooked("db", {"a"})});
    CHECK(fixture.words() == Words{"freeze db", "cut", "thaw db", "mover", "read a"});
    CHECK(results[0].record.outcome == Outcome::Protected);
    CHECK(results[0].record.consistency == "idle");
    CHECK(results[0].warnings.size() == 1);
}

TEST_CASE("a hook that failed is no reason to do without the copy", "[hooks]") {
    Fixture fixture;
    fixture.fill("a");
    fixture.plans[0].record.method = "snapshot";
    fixture.plans[0].may_fall_back = true;
    fixture.runner.failing = "db";
    const auto results = fixture.read({hooked("db", {"a"})});
    CHECK(results[0].record.reason == SkipReason::HookFailed);
    CHECK(fixture.words() == Words{"freeze db", "thaw db"});
}

TEST_CASE("however many copies a group has, it goes on before the first is read", "[hooks]") {
    Fixture fixture;
    fixture.fill({"a", "b", "c", "d", "e"}, "snapshot");
    fixture.at_once = GENERATE(1U, 2U);
    const auto results = fixture.read({hooked("db", {"a", "b", "c", "d", "e"})});
    const auto words = fixture.words();
    REQUIRE(words.size() == 2 + 5 * 3);
    CHECK(Words(words.begin(), words.begin() + 7) ==
          Words{"freeze db", "cut", "cut", "cut", "cut", "cut", "thaw db"});
    for (const auto& result : results) {
        CHECK(result.record.outcome == Outcome::Protected);
        CHECK(result.record.consistency == "application");
    }
}

TEST_CASE("a group does not wait, frozen, for those who read something else", "[hooks]") {
    Fixture fixture;
    fixture.fill({"a", "b"}, "snapshot");
    fixture.fill({"busy"}, "live");
    fixture.at_once = 2;
    std::promise<void> thawed;
    fixture.runner.on_command = [&](const std::string& command) {
        if (command == "thaw") {
            thawed.set_value();
        }
    };
    fixture.on_start = [&, ready = thawed.get_future().share()](const MoverOrder& order) {
        if (order.claims.front().name == "busy") {
            ready.wait_for(std::chrono::seconds(20));  // for ever it would wait only when broken
        }
    };
    fixture.read({hooked("db", {"a", "b"})});
    auto words = fixture.words();
    const auto thaw = std::find(words.begin(), words.end(), "thaw db");
    CHECK(Words(words.begin(), thaw) == Words{"freeze db", "cut", "cut"});
    CHECK(std::count(thaw, words.end(), "read a") == 2);
}

TEST_CASE("of a group the volumes that are read themselves come first, then the copies",
          "[hooks]") {
    Fixture fixture;
    fixture.fill({"a", "b"}, "snapshot");
    fixture.fill({"c"}, "live");
    const auto results = fixture.read({hooked("db", {"a", "b", "c"})});
    CHECK(fixture.words() == Words{"freeze db",
                                   "cut",
                                   "cut",
                                   "mover",
                                   "read c",
                                   "thaw db",
                                   "mover",
                                   "read a",
                                   "mover",
                                   "read a"});
    CHECK(results[2].record.consistency == "application");
}

TEST_CASE("what cannot be cut is read while its application is still frozen", "[hooks]") {
    Fixture fixture;
    fixture.fill({"a", "b"}, "snapshot");
    fixture.plans[0].may_fall_back = true;
    fixture.plans[1].may_fall_back = true;
    fixture.refused_cuts = 2;
    const auto results = fixture.read({hooked("db", {"a", "b"})});
    CHECK(fixture.words() == Words{"freeze db", "mover", "read a", "mover", "read b", "thaw db"});
    CHECK(results[0].record.consistency == "application");
    CHECK(results[0].record.method == "live");
    CHECK(results[0].warnings.size() == 1);
}

TEST_CASE("a copy that was asked for and cannot be cut keeps nobody frozen", "[hooks]") {
    Fixture fixture;
    fixture.fill({"a", "b"}, "snapshot");
    fixture.refused_cuts = 2;
    const auto results = fixture.read({hooked("db", {"a", "b"})});
    CHECK(fixture.words() == Words{"freeze db", "thaw db"});
    CHECK(results[0].record.reason == SkipReason::SnapshotFailed);
    CHECK(results[1].record.reason == SkipReason::SnapshotFailed);
}
