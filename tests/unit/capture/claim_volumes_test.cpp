// SPDX-License-Identifier: Apache-2.0
// Volumes read through movers that break in every way a cluster knows. The movers are threads of
// this process beside real directories.
#include "core/capture/claim_volumes.hpp"

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/volume/protocol.hpp"
#include "tests/support/capture_scene.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/faulty_mover.hpp"
#include "tests/support/temp_dir.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>

using namespace backup;
using namespace backup::capture;
using backup::testing::CaptureScene;
using backup::testing::contains;
using backup::testing::FrameFault;
using backup::testing::open_faulty_mover;
using backup::testing::TempDir;
using model::Outcome;
using model::SkipReason;

namespace {

using Kind = FrameFault::Kind;

/// What happens to one opening of a channel after the other; then all goes well.
struct Script {
    std::deque<FrameFault> faults;
    std::deque<Error> refusals;  // before the faults
    std::deque<volume::MoverEnd> ends;
    std::deque<Error> start_failures;
    std::optional<Error> close_failure;
    std::optional<Error> answer;  // of every mover, instead of the volume
    std::vector<std::unique_ptr<volume::Channel>> answered;
    int hanging = 0;  // so many channels say nothing, for ever
    std::atomic<bool> is_hanging = false;
    bool is_block = false;
    std::function<void(const MoverOrder&)> on_start;
    int starts = 0;
    int closes = 0;
    std::vector<MoverOrder> orders;
    std::mutex mutex;
};

class FakeMover : public volume::Mover {
  public:
    FakeMover(Script& script, Clock& clock, std::filesystem::path root)
        : script_(script),
          clock_(clock),
          root_(std::move(root)) {}

    std::unique_ptr<volume::Channel> open_channel() override {
        const std::scoped_lock lock(script_.mutex);
        if (!script_.refusals.empty()) {
            const auto refusal = script_.refusals.front();
            script_.refusals.pop_front();
            throw Error(refusal);
        }
        script_.is_hanging = script_.hanging > 0;
        if (script_.answer || script_.hanging-- > 0) {
            auto ends = volume::make_local_channels();
            if (script_.answer) {
                ends.mover->send(volume::encode_failure(*script_.answer), {});
            }
            script_.answered.push_back(std::move(ends.mover));
            return std::move(ends.client);
        }
        FrameFault fault;
        if (!script_.faults.empty()) {
            fault = script_.faults.front();
            script_.faults.pop_front();
        }
        return open_faulty_mover(clock_, fault);
    }

    std::string path_of(std::string_view claim) const override { return (root_ / claim).string(); }

    bool is_block(std::string_view) const override { return script_.is_block; }

    volume::MoverEnd find_end() override {
        const std::scoped_lock lock(script_.mutex);
        if (script_.ends.empty()) {
            return {};
        }
        auto end = script_.ends.front();
        script_.ends.pop_front();
        return end;
    }

    volume::MoverIdentity identity() const override { return volume::MoverIdentity::Root; }

    void close() override {
        const std::scoped_lock lock(script_.mutex);
        ++script_.closes;
        if (script_.close_failure) {
            throw Error(*script_.close_failure);
        }
    }

  private:
    Script& script_;
    Clock& clock_;
    std::filesystem::path root_;
};

struct Fixture {
    Fixture() : repository(testing::open_tiny_repository(scene.backend, scene.key)) {
        fill("data", 12);
    }

    /// A bound claim with files; `node`: where a pod that uses it runs.
    void fill(const std::string& claim, int files, const std::string& node = "") {
        for (int i = 0; i < files; ++i) {
            const auto bytes = scene.random.bytes(9'000);
            directory.write(concat(claim, "/d", i % 3, "/file-", i), as_text(bytes));
        }
        scene.server.add("persistentvolumeclaims",
                         "shop",
                         claim,
                         "",
                         R"("spec":{"accessModes":["ReadWriteOnce"]},"status":{"phase":"Bound"})");
        if (!node.empty()) {
            scene.server.add("pods",
                             "shop",
                             concat("pod-", claim),
                             "",
                             concat(R"("spec":{"nodeName":")",
                                    node,
                                    R"(","volumes":[{"name":"v","persistentVolumeClaim":)",
                                    R"({"claimName":")",
                                    claim,
                                    R"("}}]},"status":{"phase":"Running"})"));
        }
    }

    PlannedVolume plan(const std::string& claim, const std::string& method = "live") {
        PlannedVolume volume;
        volume.record.name_space = "shop";
        volume.record.claim = claim;
        volume.record.method = method;
        return volume;
    }

    std::vector<ClaimVolume> read(const std::vector<PlannedVolume>& plans) {
        kube::Client client(CaptureScene::config(), scene.client_options());
        repository::ChunkStore chunks(repository);
        repository::Writer writer(repository, chunks, scene.random, scene.clock);
        PreviousPoints previous(repository, chunks, {});
        NullProgress progress;
        const volume::MoverProgram no_program;
        ClaimVolumesContext context{
            client, no_program, {}, repository, writer, scene.clock, previous, progress, ""};
        context.at_once = at_once;
        context.make_stand_in = make_stand_in;
        context.start_mover = [this](const MoverOrder& order, const std::stop_token&) {
            return start(order);
        };
        context.sleep = [](std::chrono::nanoseconds, const std::stop_token& stop) {
            return !stop.stop_requested();
        };
        // Time passes while a mover hangs, and stands still otherwise.
        context.stall.sleep = [this](std::chrono::nanoseconds, const std::stop_token& stop) {
            return script.is_hanging ? !stop.stop_requested()
                                     : sleep_for(std::chrono::hours(24), stop);
        };
        auto volumes = capture_claims(context, plans, {});
        chunks_added = writer.counters().chunks_added;
        return volumes;
    }

    std::unique_ptr<volume::Mover> start(const MoverOrder& order) {
        const std::scoped_lock lock(script.mutex);
        ++script.starts;
        script.orders.push_back(order);
        if (!script.start_failures.empty()) {
            const auto failure = script.start_failures.front();
            script.start_failures.pop_front();
            throw Error(failure);
        }
        if (script.on_start) {
            script.on_start(order);
        }
        return std::make_unique<FakeMover>(script, scene.clock, directory.path());
    }

    CaptureScene scene;
    repository::Repository repository;
    TempDir directory;
    Script script;
    unsigned at_once = 1;
    std::uint64_t chunks_added = 0;
    std::function<std::unique_ptr<VolumeStandIn>(const PlannedVolume&, const std::stop_token&)>
        make_stand_in;
};

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
            fixture.script.faults.push_back({Kind::Flip, 1});
        }
        const auto record = fixture.read({fixture.plan("data")}).front().record;
        CHECK(record.outcome == Outcome::Failed);
        CHECK(record.reason == SkipReason::StreamBroken);
    }
}

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

TEST_CASE("a stop ends everything, and the movers are taken away") {
    Fixture fixture;
    fixture.script.on_start = [](const MoverOrder&) {
        throw Error(ErrorCode::Interrupted, "interrupted");
    };
    CHECK(testing::error_code_of([&] { return fixture.read({fixture.plan("data")}); }) ==
          ErrorCode::Interrupted);
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
