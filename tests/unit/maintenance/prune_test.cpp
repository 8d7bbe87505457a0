// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/prune.hpp"

#include "core/maintenance/checks.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/session.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/maintenance/prune_world.hpp"

#include <memory>
#include <optional>

using namespace backup;
using namespace backup::maintenance;
using namespace backup::repository;
using namespace backup::testing;

using World = PruneWorld;

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

TEST_CASE("prune: a dry run foresees what it will be without points that are still there") {
    for (const bool is_damaged : {false, true}) {
        INFO(is_damaged);
        World world;
        const auto files = dense_files(world.random, 16);
        const auto id = world.write("whole", files).point.id;
        world.write("few", {files.begin(), std::next(files.begin(), 5)});
        if (is_damaged) {
            const auto name =
                point_name(world.points.at("whole").first.point.created, content::parse_digest(id));
            world.backend.remove(name);
            world.backend.put(name, as_bytes("nobody can read this"));
        }
        const auto before = world.list_all();
        const auto foreseen = world.prune({.dry_run = true, .without_points = {id}});
        CHECK(world.list_all() == before);
        CHECK(foreseen.points == 1);
        world.forget("whole");
        const auto result = world.prune();
        CHECK(result.packs_condemned > 0);
        CHECK(foreseen.packs_condemned == result.packs_condemned);
        CHECK(foreseen.bytes_condemned == result.bytes_condemned);
        CHECK(foreseen.bytes_repacked == result.bytes_repacked);
    }
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

namespace {

/// Two points with the same content, each in packs of its own.
struct Twins {
    Twins() {
        const auto files = dense_files(world.random, 4);
        world.write("first", files);
        const auto first = take_away();
        world.write("second", files);
        const auto second = take_away();
        put_back(first);
        put_back(second);
        CHECK(ChunkStore(world.repository).list_packs().size() == first.packs + second.packs);
    }

    struct Away {
        std::map<std::string, Bytes> blobs;
        std::size_t packs = 0;
    };

    Away take_away() {
        Away away;
        damaged.clear();
        for (const auto& pack : ChunkStore(world.repository).list_packs()) {
            ++away.packs;
            if (pack.kind == BlobKind::DataPack) {
                damaged.push_back(pack.name);
            }
        }
        for (const auto* folder : {"packs", "index"}) {
            for (const auto& name : world.list(folder)) {
                away.blobs.emplace(name, world.backend.get(name));
                world.backend.remove(name);
            }
        }
        return away;
    }

    void put_back(const Away& away) {
        for (const auto& [name, bytes] : away.blobs) {
            world.backend.put(name, bytes);
        }
    }

    /// In the middle of each pack with content of the second point, and remembered.
    void damage() {
        Checks checks;
        for (const auto& pack : damaged) {
            const auto name = pack_name(pack);
            auto bytes = world.backend.get(name);
            bytes.at(bytes.size() / 2) ^= std::byte{1};
            world.backend.remove(name);
            world.backend.put(name, bytes);
            checks.packs[pack] = {world.clock.now(), false};
        }
        remember_checks(world.repository, checks, world.clock.now(), world.random);
    }

    bool is_any_left() {
        return std::any_of(damaged.begin(), damaged.end(), [this](const auto& pack) {
            return world.backend.exists(pack_name(pack));
        });
    }

    World world;
    std::vector<content::Digest> damaged;  // of the point that was written last
};

}  // namespace

TEST_CASE("prune: of two copies it keeps the one that is not known to be damaged") {
    Twins twins;
    auto& world = twins.world;
    // Nothing but the memory of the damage speaks for the copy that no point lists.
    world.forget("first");
    twins.damage();
    const auto result = world.prune();
    CHECK(result.packs_removed > twins.damaged.size());
    CHECK(result.lost_chunks == 0);
    CHECK_FALSE(twins.is_any_left());
    world.check();
}

TEST_CASE("prune: a sound copy is taken out of a condemned pack, where the other one is damaged") {
    Twins twins;
    auto& world = twins.world;
    world.forget("first");
    std::optional<Session> session(std::in_place, world.repository, world.random, world.clock);
    // The copy that no point lists is condemned while all seems well.
    CHECK(world.prune().packs_waiting > 0);
    twins.damage();
    session.reset();
    const auto result = world.prune();
    CHECK(result.packs_rescued > 0);
    CHECK_FALSE(twins.is_any_left());
    world.check();
}

TEST_CASE("prune: what is known to be damaged stays as long as there is no other copy") {
    Twins twins;
    auto& world = twins.world;
    world.forget("first");
    world.prune();
    const auto before = world.list("packs");
    twins.damage();
    const auto result = world.prune();
    CHECK(result.packs_removed == 0);
    CHECK(result.lost_chunks == 0);
    CHECK(world.list("packs") == before);
}
