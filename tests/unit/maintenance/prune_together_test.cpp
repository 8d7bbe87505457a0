// SPDX-License-Identifier: Apache-2.0
// Prunes, and runs beside them: what each may take away while others sleep, die or wait.
#include "core/maintenance/prune.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/session.hpp"
#include "core/repository/session_store.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/spoiled_backend.hpp"
#include "tests/unit/maintenance/prune_world.hpp"

#include <functional>
#include <memory>
#include <optional>

using namespace backup;
using namespace backup::maintenance;
using namespace backup::repository;
using namespace backup::testing;

using World = PruneWorld;

namespace {

std::unique_ptr<World> make_two_points() {
    auto world = std::make_unique<World>();
    world->write("kept", dense_files(world->random, 3));
    world->write("gone", dense_files(world->random, 3));
    return world;
}

/// How many calls of the backend it takes to prune what only the point "gone" needed.
std::uint64_t calls_of_a_prune() {
    const auto world = make_two_points();
    world->forget("gone");
    world->backend.count_from_zero();
    world->prune();
    return world->backend.calls();
}

}  // namespace

TEST_CASE("prune: a session that does not know of it holds the packs until it ends") {
    World world;
    world.write("kept", dense_files(world.random));
    world.write("gone", dense_files(world.random));
    const auto with_both = world.list("packs").size();
    world.forget("gone");
    {
        const Session session(world.repository, world.random, world.clock);
        const auto result = world.prune();
        CHECK(result.packs_condemned > 0);
        CHECK(result.packs_removed == 0);
        CHECK(result.packs_waiting == result.packs_condemned);
        CHECK(result.bytes_waiting == result.bytes_condemned);
        REQUIRE(result.waiting_for.size() == 1);
        CHECK(result.waiting_for[0].id == session.id());
        CHECK(world.list("packs").size() == with_both);
        // One that began since knows: it is no reason to wait, but the first one still is.
        const Session young(world.repository, world.random, world.clock);
        CHECK(world.prune().waiting_for.size() == 1);
        CHECK(world.list("gc").size() == 1);
    }
    const Session young(world.repository, world.random, world.clock);
    const auto result = world.prune();
    CHECK(result.packs_condemned == 0);
    CHECK(result.packs_removed > 0);
    CHECK(result.waiting_for.empty());
    CHECK(world.list("gc").empty());
    world.check();
}

TEST_CASE("prune: what a run beside it came to need is rescued") {
    World world;
    world.write("kept", dense_files(world.random));
    const auto files = dense_files(world.random);
    world.write("gone", files);
    world.forget("gone");
    std::optional<Session> session(std::in_place, world.repository, world.random, world.clock);
    CHECK(world.prune().packs_waiting > 0);
    session.reset();
    // A run that began before the collection: it does not see it, and relies on what is condemned.
    const auto generation = world.list("gc").at(0);
    const auto blob = world.backend.get(generation);
    world.backend.remove(generation);
    world.write("back", files);
    world.backend.put(generation, blob);

    PruneOptions options;
    options.most_copied = 0;
    // As long as it is not copied it stays where it is, and condemned.
    CHECK(world.prune(options).packs_rescued == 0);
    CHECK(world.list("gc").size() == 1);
    world.check();
    const auto result = world.prune();
    CHECK(result.packs_rescued > 0);
    CHECK(result.packs_removed >= result.packs_rescued);
    CHECK(world.list("gc").empty());
    world.check();
}

TEST_CASE("prune: a sweep that sleeps between decision and deed removes nothing that is needed") {
    // The one that sleeps has decided to remove what another prune gives up meanwhile, and a backup
    // stores the same content again: at every call of the sleeper.
    const auto calls = calls_of_a_prune();
    for (std::uint64_t call = 1; call <= calls; ++call) {
        INFO("call " << call);
        const auto world = make_two_points();
        const auto files = world->points.at("gone").second;
        world->forget("gone");
        SeededRandom random(call);
        NullProgress progress;
        world->backend.count_from_zero();
        world->backend.delay(call, [&] {
            auto other = open_tiny_repository(world->backend.blobs(), world->key);
            prune_repository(other, {}, {world->clock, random, progress, {}});
            const auto record = write_point(other, "again", files, random, world->clock);
            world->points.emplace("again", std::pair(record, files));
            prune_repository(other, {}, {world->clock, random, progress, {}});
        });
        try {
            world->prune();
        } catch (const Error& error) {
            CHECK(error.code() == ErrorCode::Incomplete);
        }
        world->backend.delay(0, {});
        for (const auto& [name, point] : world->points) {
            INFO(name);
            CHECK(read_files(world->repository, point.first) == point.second);
        }
        world->prune();
        world->check();
    }
}

TEST_CASE("prune: it waits for a run that began between any two of its calls") {
    // Meanwhile a run begins and relies on what another prune condemns then, waiting for the run.
    const auto calls = calls_of_a_prune();
    for (std::uint64_t call = 1; call <= calls; ++call) {
        INFO("call " << call);
        const auto world = make_two_points();
        const auto gone = world->points.at("gone");
        const auto blob_name = world->list("points").back();
        const auto blob = world->backend.get(blob_name);
        const auto packs = list_present_packs(world->repository);
        world->forget("gone");
        const auto other = open_tiny_repository(world->backend.blobs(), world->key);
        std::optional<Session> session;
        bool is_decided = false;
        SeededRandom random(call);
        world->backend.count_from_zero();
        world->backend.delay(call, [&] {
            session.emplace(other, random, world->clock);
            const auto present = list_present_packs(other);
            is_decided = std::all_of(packs.begin(), packs.end(), [&](const auto& pack) {
                return std::binary_search(present.begin(), present.end(), pack) &&
                       !session->is_condemned(pack);
            });
            prune_repository(other, {}, {world->clock, random, world->progress, {}});
            // Then it sleeps, right behind its ticket.
            if (is_decided) {
                CHECK(put_session_end(other, session->id(), {blob_name, blob}, random));
            }
        });
        try {
            world->prune();
        } catch (const Error& error) {
            CHECK(error.code() == ErrorCode::Incomplete);
        }
        world->backend.delay(0, {});
        REQUIRE(session);
        if (is_decided) {
            world->backend.put(blob_name, blob);
            world->points.emplace("gone", gone);
        }
        session.reset();
        world->prune();
        world->check();
    }
}

TEST_CASE("prune: a session that fell silent is fenced, one that gives signs is not") {
    World world;
    world.write("kept", dense_files(world.random));
    world.write("gone", dense_files(world.random));
    world.forget("gone");
    Session session(world.repository, world.random, world.clock);
    world.clock.advance(std::chrono::minutes(119));
    session.keep_alive();
    world.clock.advance(std::chrono::minutes(119));
    CHECK(world.prune().sessions_expired == 0);
    world.clock.advance(std::chrono::minutes(1));
    const auto result = world.prune();
    CHECK(result.sessions_expired == 1);
    CHECK(result.packs_removed > 0);
    CHECK(world.list("sessions").empty());
    world.check();
}

TEST_CASE("prune: a wrong clock of its own machine fences nobody") {
    World world;
    world.write("kept", dense_files(world.random));
    const Session session(world.repository, world.random, world.clock);
    FakeClock wrong("2036-01-01T00:00:00Z");
    const auto result =
        prune_repository(world.repository, {}, {wrong, world.random, world.progress, {}});
    CHECK(result.sessions_expired == 0);
    CHECK(world.list("sessions").size() == 1);
}

TEST_CASE("prune: completes what a run decided before it died, but not behind a live one") {
    World world;
    world.write("kept", dense_files(world.random));
    const auto made = world.write("cut", dense_files(world.random));
    const auto blob_name = world.list("points").back();
    const auto blob = world.backend.get(blob_name);
    // Back to the moment after the ticket.
    world.backend.remove(blob_name);
    const SessionRecord record{std::string(32, 'a'), "host", 1, "program", world.clock.now(), {}};
    world.backend.put(session_name(record.id),
                      encode_session(world.repository, record, world.random));
    REQUIRE(put_session_end(world.repository, record.id, {blob_name, blob}, world.random));

    auto result = world.prune();
    CHECK(result.points_completed == 0);
    CHECK(result.packs_waiting > 0);
    CHECK(world.list("points").size() == 1);

    world.clock.advance(std::chrono::minutes(6));
    result = world.prune();
    CHECK(result.points_completed == 1);
    // What it needs was condemned before; it is copied, for nothing condemned is used again.
    CHECK(result.packs_rescued > 0);
    CHECK(result.packs_removed >= result.packs_rescued);
    CHECK(world.list("sessions").empty());
    CHECK(world.list("gc").empty());
    world.check();
}

namespace {

/// A run that died behind its ticket, on a disk that may have bad sectors.
struct DeadRun : World {
    DeadRun() {
        write("kept", dense_files(random, 2));
        write("gone", dense_files(random, 2));
        point = points.at("gone").first.point.id;
        points.erase("gone");
        const auto blob_name = list("points").back();
        const auto blob = backend.get(blob_name);
        backend.remove(blob_name);
        const SessionRecord record{id, "host", 1, "program", clock.now(), {}};
        backend.put(session_name(id), encode_session(repository, record, random));
        REQUIRE(put_session_end(repository, id, {blob_name, blob}, random));
    }

    void flip(const std::string& name, std::size_t at) {
        auto bytes = backend.get(name);
        bytes.at(at) ^= std::byte{4};
        backend.remove(name);
        backend.put(name, bytes);
    }

    PruneResult prune_disk() {
        return prune_repository(on_disk, {}, {clock, random, progress, {}});
    }

    const std::string id = std::string(32, 'a');
    std::string point;
    SpoiledBackend disk{backend};
    Repository on_disk = open_tiny_repository(disk, key);
};

}  // namespace

TEST_CASE("prune: a session that is damaged anywhere is waited for until its time is over") {
    const auto name =
        GENERATE(session_name(std::string(32, 'a')), session_end_name(std::string(32, 'a')));
    const bool is_ticket = name != session_name(std::string(32, 'a'));
    // Magic, kind, suite, version, features, repository, the last byte of all; a bad sector.
    const auto at = GENERATE(0, 4, 5, 6, 8, 16, -1, -2);
    INFO(name << " at " << at);
    DeadRun world;
    if (at == -2) {
        world.disk.spoil(name, 0, 100);
    } else {
        world.flip(name, at == -1 ? world.backend.size(name) - 1 : static_cast<std::size_t>(at));
    }
    const std::vector<std::string> nobody{std::string(64, 'b')};
    CHECK(forget_points(world.on_disk, nobody, world.random).empty());
    const auto result = world.prune_disk();
    CHECK(result.packs_removed == 0);
    CHECK(result.problems.size() == (is_ticket ? 1U : 0U));
    CHECK(world.backend.exists(name));
    world.clock.advance(std::chrono::hours(3));
    CHECK(world.prune_disk().points_completed == (is_ticket ? 0U : 1U));
    CHECK_FALSE(world.backend.exists(session_name(world.id)));
    CHECK_FALSE(world.backend.exists(session_end_name(world.id)));
    CHECK(world.list("points").size() == (is_ticket ? 1U : 2U));
}
