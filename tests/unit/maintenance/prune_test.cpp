// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/prune.hpp"

#include "core/maintenance/forget.hpp"
#include "core/maintenance/verify.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/gc_generation.hpp"
#include "core/repository/hold.hpp"
#include "core/repository/session.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/faulty_backend.hpp"
#include "tests/support/test_repository.hpp"

#include <algorithm>
#include <optional>

using namespace backup;
using namespace backup::maintenance;
using namespace backup::repository;
using namespace backup::testing;

namespace {

/// Several files of dense content, so that each point has packs of its own.
Files dense_files(SeededRandom& random, std::size_t count = 8) {
    Files files;
    for (std::size_t i = 0; i < count; ++i) {
        files.emplace("file" + std::to_string(100 + i), random.bytes(20'000));
    }
    return files;
}

struct World {
    SeededRandom random{11};
    FakeClock clock;
    FaultyBackend backend{&clock};
    KeyFile key = init_tiny_repository(backend, random, clock);
    Repository repository = open_tiny_repository(backend, key);
    std::map<std::string, std::pair<PointRecord, Files>> points;
    NullProgress progress;

    PointRecord write(const std::string& name, const Files& files) {
        clock.advance(std::chrono::seconds(1));
        auto record = write_point(repository, name, files, random, clock);
        points.emplace(name, std::pair(record, files));
        return record;
    }

    void forget(const std::string& name) {
        const std::vector<std::string> ids{points.at(name).first.point.id};
        REQUIRE(forget_points(repository, ids) == ids);
        points.erase(name);
    }

    PruneResult prune(const PruneOptions& options = {}) {
        return prune_repository(repository, options, {clock, random, progress, {}});
    }

    std::vector<std::string> list(std::string_view folder) {
        std::vector<std::string> names;
        backend.list(folder, [&names](const auto& info) { names.push_back(info.name); });
        std::sort(names.begin(), names.end());
        return names;
    }

    std::vector<std::string> list_all() {
        std::vector<std::string> names;
        for (const auto* folder : {"packs", "index", "points", "sessions", "gc", "holds"}) {
            const auto some = list(folder);
            names.insert(names.end(), some.begin(), some.end());
        }
        return names;
    }

    /// Every point reads as it was written, and nothing else is amiss.
    void check() {
        CHECK(list("points").size() == points.size());
        for (const auto& [name, point] : points) {
            INFO(name);
            CHECK(read_files(repository, point.first) == point.second);
        }
        const auto problems =
            verify_repository(repository, {.level = VerifyLevel::ReadData}, progress).problems;
        for (const auto& problem : problems) {
            UNSCOPED_INFO(problem.subject << ": " << problem.message);
        }
        CHECK(problems.empty());
    }
};

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

TEST_CASE("prune: what no point needs goes, at once, and nothing else") {
    World world;
    const auto files = dense_files(world.random);
    world.write("kept", files);
    const auto before = world.list("packs");
    world.write("gone", dense_files(world.random));
    const auto with_both = world.list("packs").size();
    CHECK(world.prune().packs_removed == 0);
    CHECK(world.list("packs").size() == with_both);

    world.forget("gone");
    const auto result = world.prune();
    CHECK(result.points == 1);
    CHECK(result.packs_condemned == with_both - before.size());
    CHECK(result.packs_removed == result.packs_condemned);
    CHECK(result.bytes_removed == result.bytes_condemned);
    CHECK(result.bytes_removed > 160'000);
    CHECK(result.packs_waiting == 0);
    CHECK(result.lost_chunks == 0);
    CHECK(world.list("packs") == before);
    CHECK(world.list("gc").empty());
    CHECK(world.list("sessions").empty());
    world.check();

    const auto again = world.prune();
    CHECK(again.packs_condemned == 0);
    CHECK(again.segments_removed == 0);
}

TEST_CASE("prune: a pack that is mostly dead is copied, and the lists of points forgive it") {
    World world;
    auto files = dense_files(world.random, 16);
    world.write("whole", files);
    // Every third file stays: each pack of 32 KiB loses most of what is in it.
    Files few;
    for (std::size_t i = 0; i < files.size(); i += 3) {
        few.insert(*std::next(files.begin(), static_cast<std::ptrdiff_t>(i)));
    }
    world.write("few", few);
    world.forget("whole");
    const auto result = world.prune();
    CHECK(result.packs_repacked > 3);
    CHECK(result.bytes_repacked > 50'000);
    CHECK(result.bytes_repacked < 160'000);
    CHECK(result.packs_removed == result.packs_condemned);
    CHECK(result.problems.empty());
    world.check();
    // The new packs are full of what is needed: nothing more to do.
    CHECK(world.prune().packs_condemned == 0);
    world.check();
    // And a backup of the same finds all of it.
    const auto packs = world.list("packs").size();
    world.write("again", few);
    CHECK(world.list("packs").size() <= packs + 2);
    world.check();
}

TEST_CASE("prune: with repacking off only whole packs go") {
    World world;
    auto files = dense_files(world.random, 16);
    world.write("whole", files);
    Files few(files.begin(), std::next(files.begin(), 5));
    world.write("few", few);
    world.forget("whole");
    PruneOptions options;
    options.repack_below = 0;
    const auto result = world.prune(options);
    CHECK(result.packs_repacked == 0);
    CHECK(result.packs_removed > 0);
    world.check();
}

TEST_CASE("prune: many small packs become one") {
    World world;
    for (int i = 0; i < 20; ++i) {
        world.write("point" + std::to_string(i), {{"small", world.random.bytes(2000)}});
    }
    const auto before = world.list("packs").size();
    const auto result = world.prune();
    CHECK(result.packs_repacked >= 20);
    CHECK(world.list("packs").size() < before / 2);
    world.check();
}

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

TEST_CASE("prune: packs in no index go, unless a needed chunk is nowhere") {
    World world;
    world.write("kept", dense_files(world.random));
    const auto kept_index = world.list("index").at(0);
    const auto kept_packs = world.list("packs");
    world.write("gone", dense_files(world.random));
    world.forget("gone");
    // As a run leaves it that dies between its packs and its index.
    for (const auto& segment : world.list("index")) {
        if (segment != kept_index) {
            world.backend.remove(segment);
        }
    }
    SECTION("all is found") {
        CHECK(world.prune().packs_removed > 0);
        CHECK(world.list("packs") == kept_packs);
        world.check();
    }
    SECTION("the index of what is needed is gone, too") {
        const auto before = world.list("packs");
        const auto blob = world.backend.get(kept_index);
        world.backend.remove(kept_index);
        CHECK(error_code_of([&] { world.prune(); }) == ErrorCode::CorruptData);
        CHECK(world.list("packs") == before);
        world.backend.put(kept_index, blob);
        world.check();
    }
    SECTION("content is gone") {
        ChunkStore chunks(world.repository);
        for (const auto& pack : chunks.list_packs()) {
            if (pack.kind == BlobKind::DataPack) {
                world.backend.remove(pack_name(pack.name));
                break;
            }
        }
        const auto before = world.list("packs");
        const auto result = world.prune();
        CHECK(result.lost_chunks > 0);
        CHECK(result.packs_condemned == 0);
        CHECK(world.list("packs") == before);
    }
}

TEST_CASE("prune: a point that cannot be read keeps everything") {
    World world;
    world.write("kept", dense_files(world.random));
    world.write("gone", dense_files(world.random));
    world.forget("gone");
    auto name = world.list("points").at(0);
    auto blob = world.backend.get(name);
    blob.back() ^= std::byte{1};
    world.backend.remove(name);
    world.backend.put(name, blob);
    const auto before = world.list("packs");
    CHECK(error_code_of([&] { world.prune(); }) == ErrorCode::CorruptData);
    CHECK(world.list("packs") == before);
    CHECK(world.list("gc").empty());
    CHECK(world.list("sessions").empty());
}

TEST_CASE("prune: a repository without points is emptied on request only") {
    World world;
    world.write("gone", dense_files(world.random));
    world.forget("gone");
    const auto before = world.list("packs");
    CHECK(error_code_of([&] { world.prune(); }) == ErrorCode::InvalidArgument);
    CHECK(world.list("packs") == before);
    PruneOptions options;
    options.allow_no_points = true;
    CHECK(world.prune(options).packs_removed == before.size());
    CHECK(world.list_all().empty());
    CHECK(world.prune().packs_removed == 0);
}

TEST_CASE("prune: a dry run writes nothing and foresees what the real one does") {
    World world;
    auto files = dense_files(world.random, 16);
    world.write("whole", files);
    Files few(files.begin(), std::next(files.begin(), 5));
    world.write("few", few);
    world.forget("whole");
    const auto before = world.list_all();
    PruneOptions options;
    options.dry_run = true;
    const auto foreseen = world.prune(options);
    CHECK(world.list_all() == before);
    const auto result = world.prune();
    CHECK(foreseen.packs_condemned == result.packs_condemned);
    CHECK(foreseen.bytes_condemned == result.bytes_condemned);
    CHECK(foreseen.packs_repacked == result.packs_repacked);
    CHECK(foreseen.bytes_repacked == result.bytes_repacked);
}

TEST_CASE("prune: a grace time lets condemned packs rest, by the storage's clock") {
    World world;
    world.write("kept", dense_files(world.random));
    world.write("gone", dense_files(world.random));
    world.forget("gone");
    PruneOptions options;
    options.grace = std::chrono::hours(1);
    auto result = world.prune(options);
    CHECK(result.packs_removed == 0);
    CHECK(result.is_resting);
    world.clock.advance(std::chrono::minutes(59));
    CHECK(world.prune(options).packs_removed == 0);
    world.clock.advance(std::chrono::minutes(1));
    result = world.prune(options);
    CHECK(result.packs_removed > 0);
    CHECK_FALSE(result.is_resting);
    world.check();
}

TEST_CASE("prune: stopped at every call, it loses nothing, and the next one ends it") {
    const auto scene = [] {
        auto world = std::make_unique<World>();
        auto files = dense_files(world->random, 12);
        world->write("whole", files);
        world->write("few", Files(files.begin(), std::next(files.begin(), 4)));
        world->forget("whole");
        return world;
    };
    const auto calls = [&] {
        const auto world = scene();
        world->backend.count_from_zero();
        world->prune();
        return world->backend.calls();
    }();
    REQUIRE(calls > 50);
    for (const auto fault : {Fault::Before, Fault::After}) {
        for (std::uint64_t call = 1; call <= calls; call += 3) {
            INFO("call " << call);
            const auto world = scene();
            world->backend.fail_from(call, fault);
            try {
                world->prune();
            } catch (const Error& error) {
                UNSCOPED_INFO("problem: " << error.what());
            }
            world->backend.heal();
            for (const auto& [name, point] : world->points) {
                CHECK(read_files(world->repository, point.first) == point.second);
            }
            PruneOptions options;
            options.session_timeout = {};
            const auto ended = world->prune(options);
            INFO("rescued " << ended.packs_rescued << ", waiting " << ended.packs_waiting << " for "
                            << ended.waiting_for.size());
            world->check();
            CHECK(world->list("gc").empty());
            CHECK(world->list("sessions").empty());
        }
    }
}

TEST_CASE("forget: points under hold are refused, and then nothing goes") {
    World world;
    const auto held = world.write("held", {{"a", world.random.bytes(100)}}).point.id;
    const auto free = world.write("free", {{"a", world.random.bytes(100)}}).point.id;
    put_hold(world.repository, {held, "audit", "", world.clock.now()}, world.random);
    const std::vector<std::string> both{free, held};
    CHECK(error_code_of([&] { forget_points(world.repository, both); }) ==
          ErrorCode::InvalidArgument);
    CHECK(world.list("points").size() == 2);
    remove_hold(world.repository, held);
    CHECK(forget_points(world.repository, both).size() == 2);
    CHECK(world.list("points").empty());
    CHECK(forget_points(world.repository, both).empty());
}

TEST_CASE("forget: a ticket does not bring a deleted point back") {
    World world;
    world.write("kept", dense_files(world.random));
    const auto made = world.write("gone", dense_files(world.random));
    const auto blob_name = world.list("points").back();
    const SessionRecord record{std::string(32, 'a'), "host", 1, "program", world.clock.now(), {}};
    world.backend.put(session_name(record.id),
                      encode_session(world.repository, record, world.random));
    REQUIRE(put_session_end(
        world.repository, record.id, {blob_name, world.backend.get(blob_name)}, world.random));
    world.forget("gone");
    CHECK(world.list("sessions").empty());
    world.clock.advance(std::chrono::hours(3));
    CHECK(world.prune().points_completed == 0);
    world.check();
}
