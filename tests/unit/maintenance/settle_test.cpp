// SPDX-License-Identifier: Apache-2.0
// A prune that ends the work of a writer, and sleeps at it while the writer wakes, others end the
// same work, and the point is deleted again; and the marks that all of them go by.
#include "core/maintenance/settle.hpp"

#include "core/base/task_group.hpp"
#include "core/maintenance/completion.hpp"
#include "core/maintenance/repair.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/completion_name.hpp"
#include "core/repository/hold.hpp"
#include "core/repository/session_store.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/maintenance/prune_world.hpp"

#include <memory>
#include <optional>

using namespace backup;
using namespace backup::maintenance;
using namespace backup::repository;
using namespace backup::testing;

namespace {

/// A prune has done with the sessions of others by then.
constexpr std::uint64_t kCalls = 28;

struct Scene {
    /// The packs of the point were condemned while its ticket was young: whoever begins now knows.
    bool is_condemned = false;
    /// The prune sleeps for longer than its own session lasts.
    bool sleeps_long = false;
    /// Somebody deletes the point while it sleeps, and others prune.
    bool is_forgotten = false;
    /// While it sleeps it is not another prune but the writer that ends its work.
    bool writer_wakes = false;
};

std::vector<Scene> all_scenes() {
    std::vector<Scene> scenes;
    for (unsigned bits = 0; bits < 16; ++bits) {
        scenes.push_back({(bits & 1U) != 0, (bits & 2U) != 0, (bits & 4U) != 0, (bits & 8U) != 0});
    }
    return scenes;
}

/// A writer that put its ticket and did not come back for the point.
struct CutWorld : PruneWorld {
    explicit CutWorld(const Scene& used) : scene(used) {
        write("kept", dense_files(random, 2));
        cut = {write("cut", dense_files(random, 2)), {}};
        cut.second = points.at("cut").second;
        blob_name = list("points").back();
        blob = backend.get(blob_name);
        backend.remove(blob_name);
        points.erase("cut");
        const SessionRecord record{writer, "host", 1, "program", clock.now(), {}};
        backend.put(session_name(writer), encode_session(repository, record, random));
        REQUIRE(put_session_end(repository, writer, {blob_name, blob}, random));
        if (scene.is_condemned) {
            REQUIRE(prune().packs_waiting > 0);
        }
        clock.advance(std::chrono::minutes(6));
    }

    void prune_as_others() {
        const auto other = open_tiny_repository(backend.blobs(), key);
        prune_repository(other, {}, {clock, random, progress, {}});
    }

    /// As Session::commit() behind its ticket.
    void wake_writer() {
        auto& blobs = backend.blobs();
        const auto point = content::parse_digest(cut.first.point.id);
        if (put_new(blobs, blob_name, blob) && blobs.exists(tombstone_name(point))) {
            blobs.remove(blob_name);
        }
        blobs.remove(session_name(writer));
        blobs.remove(session_end_name(writer));
        for (const auto& name : list("completes")) {
            if (find_sleepers_point(name) == point) {
                blobs.remove(name);
            }
        }
    }

    void happen_meanwhile() {
        if (scene.sleeps_long) {
            clock.advance(std::chrono::hours(3));
        }
        if (scene.writer_wakes) {
            wake_writer();
        } else {
            prune_as_others();
        }
        CHECK(backend.blobs().exists(blob_name));
        if (scene.is_forgotten) {
            const auto other = open_tiny_repository(backend.blobs(), key);
            const std::vector<std::string> ids{cut.first.point.id};
            CHECK(forget_points(other, ids, random) == ids);
            prune_as_others();
            is_gone = true;
        }
    }

    /// The prune is late at its call `late`.
    std::optional<Error> sleep_at(std::uint64_t late) {
        backend.count_from_zero();
        backend.delay(late, [&] {
            was_completed = backend.blobs().exists(blob_name);
            happen_meanwhile();
        });
        auto failure = failure_of([&] { prune(); });
        backend.delay(0, {});
        backend.heal();
        return failure;
    }

    /// The point is there and whole, or stays away for good.
    void check_all() {
        for (int i = 0; i < 2; ++i) {
            prune();
            clock.advance(std::chrono::hours(3));
        }
        if (!is_gone) {
            points.emplace("cut", cut);
        }
        check();
    }

    Scene scene;
    std::string writer = std::string(32, 'a');
    std::pair<PointRecord, Files> cut;
    std::string blob_name;
    Bytes blob;
    bool was_completed = false;  // when it fell asleep
    bool is_gone = false;
};

/// Empty blobs find room.
class FullBackend : public backend::ForwardingBackend {
  public:
    using ForwardingBackend::ForwardingBackend;

    std::string location() const override { return "memory, full"; }

  protected:
    void pass(backend::StorageCall /*call*/,
              std::string_view blob,
              const std::function<void()>& effect) override {
        if (blob.starts_with(kPointsFolder)) {
            throw Error(ErrorCode::NoSpace, "no space left");
        }
        effect();
    }
};

}  // namespace

TEST_CASE("settle: a prune that sleeps between any two calls brings back no point, and keeps all") {
    for (const auto& scene : all_scenes()) {
        INFO("condemned " << scene.is_condemned << ", long " << scene.sleeps_long << ", forgotten "
                          << scene.is_forgotten << ", writer " << scene.writer_wakes);
        for (std::uint64_t call = 1; call <= kCalls; ++call) {
            INFO("call " << call);
            CutWorld world(scene);
            const auto failure = world.sleep_at(call);
            CHECK((call < kCalls || world.was_completed));
            if (failure) {
                INFO(failure->what());
                CHECK(failure->code() == ErrorCode::Incomplete);
            }
            if (world.is_gone) {
                CHECK_FALSE(world.backend.exists(world.blob_name));
            }
            world.check_all();
            if (!scene.writer_wakes) {
                world.wake_writer();
                world.prune();
                world.check();
            }
            CHECK(world.list("sessions").empty());
            CHECK(world.list("forgets").empty());
            CHECK(world.list("completes").empty());
        }
    }
}

TEST_CASE("settle: killed behind such a sleep, the next prune takes back what came again") {
    for (const bool is_condemned : {false, true}) {
        for (std::uint64_t call = kCalls - 12; call < kCalls; ++call) {
            for (std::uint64_t more = 1; more < 5; ++more) {
                INFO("condemned " << is_condemned << ", call " << call << ", dead behind " << more);
                CutWorld world({is_condemned, true, true, true});
                world.backend.fail_from(call + more, Fault::Before);
                CHECK(world.sleep_at(call));
                world.check_all();
            }
        }
    }
}

TEST_CASE("settle: a point with a tombstone is gone, whoever put it again and died") {
    PruneWorld world;
    world.write("kept", dense_files(world.random, 2));
    const auto record = world.write("back", dense_files(world.random, 2));
    const auto& id = record.point.id;
    const auto point = content::parse_digest(id);
    world.backend.put(tombstone_name(point), {});
    world.backend.put(completion_name(point, std::string(32, 'a')), {});
    const auto hold = [&] {
        put_hold(world.repository, {id, "audit", "", world.clock.now()}, world.random);
    };
    CHECK(error_code_of(hold) == ErrorCode::Incomplete);
    remove_hold(world.repository, id);
    world.prune({.dry_run = true});
    CHECK(world.list("points").size() == 2);
    const auto blob_name = point_name(record.point.created, point);
    const auto blob = world.backend.get(blob_name);
    world.points.erase("back");
    CHECK(world.prune().packs_removed > 0);
    world.check();
    CHECK(error_code_of(hold) == ErrorCode::PointNotFound);
    // As long as somebody may put it once more; nobody misses what it needed.
    CHECK(world.list("forgets") == std::vector<std::string>{tombstone_name(point)});
    world.backend.put(blob_name, blob);
    CHECK(verify_repository(world.repository, {}, world.progress).problems.empty());
    CHECK(repair_repository(world.repository, {}, {world.clock, world.random, world.progress, {}})
              .lost.empty());
    CHECK(world.prune().points == 1);
    CHECK_FALSE(world.backend.exists(blob_name));
    world.backend.remove(completion_name(point, std::string(32, 'a')));
    PruneOptions lagging;
    lagging.grace = std::chrono::hours(1);
    world.clock.advance(std::chrono::minutes(59));
    world.prune(lagging);
    CHECK(world.list("forgets").size() == 1);
    world.clock.advance(std::chrono::minutes(1));
    world.prune(lagging);
    CHECK(world.list("forgets").empty());
    world.check();
}

TEST_CASE("settle: where there is no room for a point nothing stands for its writer") {
    PruneWorld world;
    const auto point = content::sha256(world.random.bytes(10));
    FullBackend full(world.backend.blobs());
    const auto repository = open_tiny_repository(full, world.key);
    {
        CompletionNotice notice(repository, point, world.random);
        CHECK(world.list("completes").size() == 2);
        const auto put = [&] { notice.put_point(point_name(world.clock.now(), point), {}); };
        CHECK(error_code_of(put) == ErrorCode::NoSpace);
    }
    CHECK(world.list("completes").empty());
}

TEST_CASE("settle: the names of these marks are told from those of their neighbours") {
    SeededRandom random;
    const auto point = content::sha256(random.bytes(10));
    const std::string id(32, 'a');
    CHECK(find_completed_point(completion_name(point, id)) == point);
    CHECK(find_buried_point(tombstone_name(point)) == point);
    CHECK(find_completed_point(sleeper_name(point, id)) == point);
    CHECK(find_sleepers_point(sleeper_name(point, id)) == point);
    CHECK_FALSE(find_sleepers_point(completion_name(point, id)));
    CHECK_FALSE(find_sleepers_point("completes/-writer"));
    CHECK_FALSE(find_buried_point(forget_notice_name(point, id)));
    CHECK_FALSE(find_forgotten_point(tombstone_name(point)));
    CHECK_FALSE(find_forgotten_point(completion_name(point, id)));
    CHECK_FALSE(find_completed_point("completes/" + to_hex(point)));
    CHECK_FALSE(find_completed_point("completes/x"));
}

TEST_CASE("forget: a tombstone only where somebody may put the point again") {
    PruneWorld world;
    world.write("one", {});
    const auto id = world.write("other", {}).point.id;
    const auto point = content::parse_digest(id);
    world.forget("one");
    CHECK(world.list("forgets").empty());
    const auto notice = std::make_unique<CompletionNotice>(world.repository, point, world.random);
    world.forget("other");
    CHECK(world.list("forgets") == std::vector<std::string>{tombstone_name(point)});
}
