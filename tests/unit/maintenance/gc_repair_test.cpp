// SPDX-License-Identifier: Apache-2.0
// What becomes of a repository when a record of what a collection has condemned is damaged.
#include "core/backend/forwarding_backend.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/maintenance/repair.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/format.hpp"
#include "core/repository/gc_generation.hpp"
#include "core/repository/point_store.hpp"
#include "core/repository/session.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/maintenance/prune_world.hpp"

#include <functional>
#include <optional>
#include <utility>

using namespace backup;
using namespace backup::maintenance;
using namespace backup::repository;
using namespace backup::testing;

namespace {

/// Two points are there and one was deleted; a prune has condemned what only that one needed, and
/// waits for somebody.
struct World : PruneWorld {
    World() {
        write("kept", dense_files(random, 3));
        write("more", dense_files(random, 1));
        needed = list("packs");
        gone_files = dense_files(random, 3);
        write("gone", gone_files);
        Session session(repository, random, clock);
        forget("gone");
        REQUIRE(prune().packs_waiting > 0);
        gc_blob = list("gc").at(0);
        condemned = list_generations(repository).at(0).packs;
    }

    void flip(const std::string& name, std::size_t at) {
        auto bytes = backend.blobs().get(name);
        bytes.at(at) ^= std::byte{0x10};
        backend.blobs().remove(name);
        backend.blobs().put(name, bytes);
    }

    void damage(std::size_t at = 40) { flip(gc_blob, at); }

    RepairResult repair(const RepairOptions& options = {}) {
        return repair_repository(repository, options, {clock, random, progress, {}});
    }

    /// As somebody on another host does it.
    RepairResult repair_beside() {
        const auto beside = open_tiny_repository(backend.blobs(), key);
        return repair_repository(beside, {}, {clock, random, progress, {}});
    }

    PointRecord write_beside(const std::string& name, const Files& files) {
        const auto beside = open_tiny_repository(backend.blobs(), key);
        clock.advance(std::chrono::seconds(1));
        auto record = write_point(beside, name, files, random, clock);
        points.emplace(name, std::pair(record, files));
        return record;
    }

    std::vector<std::string> needed;  // packs
    Files gone_files;
    std::string gc_blob;
    std::vector<content::Digest> condemned;
};

bool names_remedy(const Error& error) {
    return error.hint().find("kubectl backup repo repair") != std::string_view::npos;
}

}  // namespace

TEST_CASE("a damaged gc record: backup and prune say so, and repair lets them go on") {
    World world;
    const auto damaged_byte = GENERATE(std::size_t{0}, std::size_t{5}, std::size_t{40});
    world.damage(damaged_byte);
    const auto refused = error_of([&] { world.write("refused", world.gone_files); });
    CHECK(names_remedy(refused));
    CHECK(std::string(refused.what()).find(world.gc_blob) != std::string::npos);
    CHECK(names_remedy(error_of([&] { world.prune(); })));
    CHECK(names_remedy(error_of([&] { world.prune({.dry_run = true}); })));
    CHECK(world.list("sessions").empty());

    CHECK(world.repair({.dry_run = true}).actions.at(0).subject == world.gc_blob);
    CHECK(world.list("quarantine").empty());
    const auto result = world.repair();
    REQUIRE(result.actions.size() == 1);
    CHECK(result.actions[0].subject == world.gc_blob);
    CHECK(result.lost.empty());
    CHECK(world.list("quarantine") == std::vector<std::string>{quarantine_name(world.gc_blob)});
    CHECK(world.list("sessions").empty());
    CHECK(world.repair().actions.empty());
    world.check();

    // Nothing may come to rely on what a sweep that sleeps may be about to remove.
    world.write("again", world.gone_files);
    for (const auto& pack : world.condemned) {
        world.backend.remove(pack_name(pack));
    }
    world.check();
    world.prune();
    CHECK(world.list("gc").empty());
    world.check();
}

TEST_CASE("a damaged gc record: what takes its place names no pack that alone has needed content") {
    World world;
    world.damage();
    world.repair();
    CHECK(condemned_packs(list_generations(world.repository)) == world.condemned);
    CHECK(world.prune().packs_removed == world.condemned.size());
    CHECK(world.list("packs") == world.needed);
    CHECK(world.list("gc").empty());
    world.check();
}

TEST_CASE("a damaged gc record stays, and counts no more, until everybody knows its successor") {
    World world;
    std::optional<Session> session;
    session.emplace(world.repository, world.random, world.clock);
    world.damage();
    world.repair();
    CHECK(world.list("gc").size() == 2);
    world.prune();
    CHECK(world.list("gc").size() == 2);
    CHECK(list_generations(world.repository).size() == 1);
    session.reset();
    world.prune();
    CHECK(world.list("gc").empty());
    world.check();
}

TEST_CASE("a damaged gc record and a damaged index: packs that are needed do not go") {
    World world;
    for (const auto& name : world.list("index")) {
        world.backend.remove(name);
    }
    world.damage();
    const auto result = world.repair();
    CHECK(result.lost.empty());
    world.check();
    world.prune();
    CHECK(world.list("packs") == world.needed);
    world.check();
}

TEST_CASE("a damaged gc record and a damaged pack: no copy counts that may be condemned") {
    World world;
    const auto before = world.list("packs");
    // Nothing condemned is used again, so each chunk has two places now.
    world.write("again", world.gone_files);
    world.damage();
    std::string largest;  // of the new ones: it has content
    std::uint64_t most_bytes = 0;
    for (const auto& name : world.list("packs")) {
        const auto bytes = world.backend.size(name);
        if (bytes > most_bytes && !std::binary_search(before.begin(), before.end(), name)) {
            largest = name;
            most_bytes = bytes;
        }
    }
    world.flip(largest, format::kHeaderBytes + 10);
    const auto result = world.repair({.read_data = true});
    CHECK(result.packs_quarantined == 1);
    CHECK(result.chunks_saved > 0);
    CHECK(result.lost.empty());
    world.prune();
    world.check();
}

TEST_CASE("a damaged gc record: a prune that sleeps at any step, and wakes when it is mended") {
    std::uint64_t calls = 0;
    {
        World world;
        world.backend.count_from_zero();
        world.prune();
        calls = world.backend.calls();
    }
    REQUIRE(calls > 20);
    for (std::uint64_t number = 1; number <= calls; ++number) {
        World world;
        INFO("asleep before call " << number << " of " << calls);
        world.backend.count_from_zero();
        world.backend.delay(number, [&world] {
            if (!world.backend.blobs().exists(world.gc_blob)) {
                return;
            }
            world.damage();
            world.repair_beside();
            world.write_beside("again", world.gone_files);
        });
        // It may end for the damage, or because it was overtaken.
        failure_of([&world] { world.prune(); });
        world.check();
        world.prune();
        world.prune();
        CHECK(world.list("gc").empty());
        world.check();
    }
}

namespace {

/// Lets others act when a prune has listed points for the first time and is about to read what is
/// condemned, when it has read that and is about to list points once more, and when it is about to
/// remove the first pack.
class Watched : public backend::ForwardingBackend {
  public:
    using ForwardingBackend::ForwardingBackend;

    std::function<void()> before_gc;
    std::function<void()> before_points;
    std::function<void()> before_deed;

  protected:
    void pass(backend::StorageCall call,
              std::string_view blob,
              const std::function<void()>& effect) override {
        if (call == backend::StorageCall::List && blob == kGenerationsFolder &&
            points_listed_ == 1) {
            before_gc();
        }
        if (call == backend::StorageCall::List && blob == kPointsFolder && ++points_listed_ == 2) {
            before_points();
        }
        if (call == backend::StorageCall::Remove && blob.starts_with("packs/") && before_deed) {
            std::exchange(before_deed, nullptr)();
        }
        effect();
    }

  private:
    int points_listed_ = 0;
};

struct DecidedPoint {
    std::string name;
    Bytes bytes;
    std::vector<content::Digest> packs;
};

DecidedPoint decided(const World& world, const PointRecord& record) {
    const auto name = point_name(record.point.created, content::parse_digest(record.point.id));
    ChunkStore chunks(world.repository);
    return {name, world.repository.backend().get(name), read_pack_list(chunks, record)};
}

void commit(Session& session, const DecidedPoint& point) {
    session.commit(point.name, point.bytes, point.packs);
}

}  // namespace

/// The packs of a point that a run made which began before they were condemned are not condemned by
/// what takes the place of the damaged record: that point needs them, and a run may come to rely
/// on them. When the point goes meanwhile the sweep has to see that it decides by what is no more.
TEST_CASE("a damaged gc record: a sweep that read it while it was whole removes nothing") {
    World world;
    const auto record = world.write("again", world.gone_files);
    const auto files = world.points.at("again").second;
    const auto point = decided(world, record);
    Session early(world.repository, world.random, world.clock);
    world.forget("again");
    REQUIRE(world.prune().packs_waiting > 0);

    Watched watched(world.backend);
    const auto asleep = open_tiny_repository(watched, world.key);
    std::optional<Session> late;
    watched.before_gc = [&] { commit(early, point); };
    watched.before_points = [&] {
        for (const auto& blob : world.list("gc")) {
            world.flip(blob, 40);
        }
        world.repair();
        late.emplace(world.repository, world.random, world.clock);
        REQUIRE(
            forget_points(world.repository, std::vector{record.point.id}, world.random).size() ==
            1);
    };
    watched.before_deed = [&] { commit(*late, point); };
    failure_of([&] {
        prune_repository(asleep, {}, {world.clock, world.random, world.progress, {}});
    });
    if (watched.before_deed) {
        commit(*late, point);
    }
    world.points.emplace("again", std::pair(record, files));
    world.check();
    world.prune();
    CHECK(world.list("gc").empty());
    world.check();
}

namespace {

std::uint64_t calls_of_repair() {
    World world;
    world.damage();
    world.backend.count_from_zero();
    world.repair();
    return world.backend.calls();
}

void check_work_goes_on(World& world) {
    world.write("again", world.gone_files);
    // A repair that died is taken for dead then.
    world.clock.advance(std::chrono::hours(3));
    world.prune();
    CHECK(world.list("gc").empty());
    CHECK(world.list("sessions").empty());
    world.check();
}

}  // namespace

TEST_CASE("a damaged gc record: a repair that fails at any call is ended by the next one") {
    const auto calls = calls_of_repair();
    REQUIRE(calls > 20);
    for (std::uint64_t number = 1; number <= calls; ++number) {
        World world;
        INFO("fails from call " << number << " of " << calls);
        world.damage();
        world.backend.count_from_zero();
        world.backend.fail_from(number, number % 2 == 0 ? Fault::Before : Fault::After);
        CHECK(failure_of([&world] { world.repair(); }));
        world.backend.heal();
        CHECK(world.repair().lost.empty());
        check_work_goes_on(world);
    }
}

TEST_CASE("a damaged gc record: a repair that sleeps while another mends it and work goes on") {
    const auto calls = calls_of_repair();
    for (std::uint64_t number = 1; number <= calls; ++number) {
        World world;
        INFO("asleep before call " << number << " of " << calls);
        world.damage();
        world.backend.delay(number, [&world] {
            world.repair_beside();
            world.write_beside("beside", world.gone_files);
            const auto beside = open_tiny_repository(world.backend.blobs(), world.key);
            prune_repository(beside, {}, {world.clock, world.random, world.progress, {}});
        });
        CHECK(world.repair().lost.empty());
        check_work_goes_on(world);
    }
}
