// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/repair.hpp"

#include "core/base/task_group.hpp"
#include "core/maintenance/checks.hpp"
#include "core/maintenance/parity_switch.hpp"
#include "core/maintenance/prune.hpp"
#include "core/maintenance/verify.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/completion_name.hpp"
#include "core/repository/parity.hpp"
#include "core/repository/sealed_blob.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/faulty_backend.hpp"
#include "tests/support/spoiled_backend.hpp"
#include "tests/support/test_repository.hpp"

using namespace backup;
using namespace backup::maintenance;
using namespace backup::repository;
using namespace backup::testing;

namespace {

struct Fixture {
    explicit Fixture(bool with_parity = false) {
        if (with_parity) {
            backend.put(kParityMark, {});
        }
        point = write_point(open(), "point", files, random, clock);
    }

    SeededRandom random;
    FakeClock clock;
    backend::MemoryBackend backend;
    KeyFile key = init_tiny_repository(backend, random, clock);
    Files files = some_files(random);
    PointRecord point;

    Repository open() { return open_tiny_repository(backend, key); }

    RepairResult repair(RepairOptions options = {.read_data = true}) {
        return repair_in(open(), options);
    }

    RepairResult repair_in(const Repository& repository, RepairOptions options) {
        NullProgress progress;
        return repair_repository(repository, options, {clock, random, progress, {}});
    }

    std::vector<Problem> verify(VerifyLevel level = VerifyLevel::ReadData) {
        NullProgress progress;
        auto problems = verify_repository(open(), {.level = level}, progress).problems;
        for (const auto& problem : problems) {
            UNSCOPED_INFO(problem.subject << ": " << problem.message);
        }
        return problems;
    }

    std::vector<std::string> list(std::string_view folder) {
        std::vector<std::string> names;
        backend.list(folder, [&names](const auto& info) { names.push_back(info.name); });
        return names;
    }

    std::vector<std::string> packs_of(BlobKind kind) {
        std::vector<std::string> names;
        for (const auto& name : list("packs")) {
            if (backend.get(name)[4] == static_cast<std::byte>(kind)) {
                names.push_back(name);
            }
        }
        return names;
    }

    void flip(const std::string& name, std::size_t at) {
        auto bytes = backend.get(name);
        bytes.at(at) ^= std::byte{0x10};
        backend.remove(name);
        backend.put(name, bytes);
    }
};

constexpr std::size_t kSector = 4096;

constexpr std::array kFolders{
    "keys", "packs", "index", "points", "parity", "quarantine", "checks", "sessions"};

void copy_all(backend::Backend& from, backend::Backend& to) {
    to.put(kConfigName, from.get(kConfigName));
    for (const auto* folder : kFolders) {
        from.list(folder, [&](const auto& info) { to.put(info.name, from.get(info.name)); });
    }
}

void remove_all(backend::Backend& backend) {
    backend.remove(kConfigName);
    for (const auto* folder : kFolders) {
        backend.list(folder, [&](const auto& info) { backend.remove(info.name); });
    }
}

bool tells(const std::vector<Problem>& problems, const std::string& subject) {
    return std::any_of(problems.begin(), problems.end(), [&](const Problem& problem) {
        return problem.subject == subject;
    });
}

}  // namespace

TEST_CASE("repair finds nothing to do in a sound repository") {
    Fixture fixture;
    const auto before = fixture.list("packs");
    const auto result = fixture.repair();
    CHECK(result.actions.empty());
    CHECK(result.lost.empty());
    CHECK(result.points == 1);
    CHECK(fixture.list("packs") == before);
    CHECK(fixture.list("sessions").empty());
    CHECK(fixture.verify().empty());
}

TEST_CASE("an index that is gone is made again from the packs") {
    Fixture fixture;
    for (const auto& name : fixture.list("index")) {
        fixture.backend.remove(name);
    }
    const auto result = fixture.repair({});
    CHECK(result.packs_indexed == result.packs);
    CHECK(result.lost.empty());
    CHECK(fixture.verify().empty());
    CHECK(read_files(fixture.open(), fixture.point) == fixture.files);
}

TEST_CASE("a damaged index goes to quarantine and is made again") {
    Fixture fixture;
    const auto name = fixture.list("index").at(0);
    const auto damaged = GENERATE(std::size_t{0}, std::size_t{5}, std::size_t{100});
    fixture.flip(name, damaged);
    const auto bytes = fixture.backend.get(name);
    const auto plan = fixture.repair({.dry_run = true});
    CHECK(plan.segments_quarantined == 1);
    CHECK_FALSE(plan.why_unknown.empty());
    CHECK(fixture.backend.get(name) == bytes);
    const auto result = fixture.repair({});
    CHECK(result.segments_quarantined == 1);
    CHECK_FALSE(fixture.backend.exists(name));
    CHECK(fixture.backend.get(quarantine_name(name)) == bytes);
    CHECK(fixture.verify().empty());
    CHECK(read_files(fixture.open(), fixture.point) == fixture.files);
}

TEST_CASE("a damaged or missing pack is healed by its parity") {
    const auto kind = GENERATE(0, 1, 2);
    Fixture fixture(true);
    for (const auto& name : fixture.list("packs")) {
        const auto good = fixture.backend.get(name);
        if (kind == 0) {
            fixture.flip(name, good.size() / 2);
        } else {
            fixture.backend.remove(name);
            if (kind == 1) {
                fixture.backend.put(name, ByteView(good).first(good.size() / 2));
            }
        }
        CHECK_FALSE(fixture.verify().empty());
        const auto plan = fixture.repair({.dry_run = true, .read_data = true});
        CHECK(plan.packs_healed == 1);
        CHECK(plan.lost.empty());
        const auto result = fixture.repair();
        CHECK(result.packs_healed == 1);
        CHECK(result.lost.empty());
        CHECK(fixture.backend.get(name) == good);
    }
    CHECK(fixture.verify().empty());
}

TEST_CASE(
    "of a damaged pack everything but the damage is saved, and the next backup heals the rest") {
    Fixture fixture;
    // In the first frame of a data pack: the frames behind it are whole.
    const auto name = fixture.packs_of(BlobKind::DataPack).at(0);
    fixture.flip(name, format::kHeaderBytes + 10);
    const auto damaged = fixture.backend.get(name);

    const auto plan = fixture.repair({.dry_run = true, .read_data = true});
    CHECK(plan.packs_quarantined == 1);
    CHECK(fixture.backend.get(name) == damaged);
    CHECK(fixture.list("quarantine").empty());

    const auto result = fixture.repair();
    CHECK(result.packs_quarantined == 1);
    CHECK(result.chunks_saved > 0);
    CHECK(result.chunks_lost > 0);
    CHECK_FALSE(fixture.backend.exists(name));
    CHECK(fixture.backend.get(quarantine_name(name)) == damaged);
    REQUIRE_FALSE(result.lost.empty());
    CHECK(result.damaged_points == std::vector<std::string>{fixture.point.point.id});
    CHECK(damaged_points(load_checks(fixture.open())) ==
          std::set<std::string>{fixture.point.point.id});
    // Exactly what cannot be read is told, and the plan told the same.
    CHECK(plan.lost.size() == result.lost.size());
    for (const auto& problem : fixture.verify()) {
        CHECK(tells(result.lost, problem.subject));
    }

    const auto next =
        write_point(fixture.open(), "next", fixture.files, fixture.random, fixture.clock);
    CHECK(fixture.verify().empty());
    CHECK(read_files(fixture.open(), next) == fixture.files);
    CHECK(read_files(fixture.open(), fixture.point) == fixture.files);
    const auto again = fixture.repair();
    CHECK(again.actions.empty());
    CHECK(damaged_points(load_checks(fixture.open())).empty());
}

TEST_CASE(
    "packs that are lost leave the index, so that the next backup stores their chunks again") {
    Fixture fixture;
    for (const auto& name : fixture.packs_of(BlobKind::DataPack)) {
        fixture.backend.remove(name);
    }
    const auto result = fixture.repair({});
    CHECK(tells(result.lost, "point:/files/dense"));
    CHECK(tells(result.lost, "point:/files/text"));
    CHECK_FALSE(tells(result.lost, "point:/files/inline"));
    write_point(fixture.open(), "next", fixture.files, fixture.random, fixture.clock);
    CHECK(fixture.verify().empty());
    CHECK(read_files(fixture.open(), fixture.point) == fixture.files);
}

TEST_CASE("two points that share what was lost both tell of it") {
    Fixture fixture;
    write_point(fixture.open(), "second", fixture.files, fixture.random, fixture.clock);
    for (const auto& name : fixture.packs_of(BlobKind::DataPack)) {
        fixture.backend.remove(name);
    }
    const auto result = fixture.repair({});
    CHECK(tells(result.lost, "point:/files/dense"));
    CHECK(tells(result.lost, "second:/files/dense"));
    CHECK(result.damaged_points.size() == 2);
}

TEST_CASE("a damaged point stays until it is asked to go to quarantine") {
    Fixture fixture;
    const auto name = fixture.list("points").at(0);
    fixture.flip(name, 200);
    const auto result = fixture.repair({});
    CHECK(tells(result.lost, name));
    CHECK(fixture.backend.exists(name));
    // Its writer sleeps before its put, and another one has completed it.
    const auto point = find_point_name(name).value().digest;
    fixture.backend.put(sleeper_name(point, std::string(32, 'a')), {});
    fixture.repair({.quarantine_points = true});
    CHECK(fixture.backend.exists(tombstone_name(point)));
    CHECK_FALSE(fixture.backend.exists(name));
    CHECK(fixture.backend.exists(quarantine_name(name)));
    CHECK(fixture.verify().empty());
}

TEST_CASE("a repair that fails at any call can be run again") {
    const auto fault = GENERATE(Fault::Before, Fault::After);
    for (const bool with_parity : {false, true}) {
        bool has_ended = false;
        for (std::uint64_t at = 1; !has_ended; ++at) {
            REQUIRE(at < 500);
            Fixture fixture(with_parity);
            const auto name = fixture.packs_of(BlobKind::DataPack).at(0);
            fixture.flip(name, format::kHeaderBytes + 10);
            fixture.flip(fixture.list("index").at(0), 120);
            FaultyBackend faulty;
            copy_all(fixture.backend, faulty.blobs());
            const auto repository = open_tiny_repository(faulty, fixture.key);
            faulty.count_from_zero();
            faulty.fail_from(at, fault);
            has_ended = !failure_of([&] { fixture.repair_in(repository, {.read_data = true}); });
            remove_all(fixture.backend);
            copy_all(faulty.blobs(), fixture.backend);
            fixture.repair();
            write_point(fixture.open(), "next", fixture.files, fixture.random, fixture.clock);
            INFO("call " << at << (with_parity ? ", with parity" : ""));
            CHECK(fixture.verify().empty());
            CHECK(read_files(fixture.open(), fixture.point) == fixture.files);
        }
    }
}

TEST_CASE("parity is made for what is stored already, and goes again") {
    Fixture fixture;
    NullProgress progress;
    const Surroundings surroundings{fixture.clock, fixture.random, progress, {}};
    const auto repository = fixture.open();
    const auto packs = fixture.list("packs");
    CHECK(turn_parity_on(repository, true, surroundings).made == packs.size());
    CHECK(fixture.list("parity").empty());
    fixture.flip(packs.at(0), 100);
    const auto made = turn_parity_on(repository, false, surroundings);
    CHECK(made.made == packs.size() - 1);
    REQUIRE(made.problems.size() == 1);
    CHECK(made.problems[0].subject == packs.at(0));
    fixture.flip(packs.at(0), 100);
    CHECK(turn_parity_on(repository, false, surroundings).made == 1);
    CHECK(turn_parity_on(repository, false, surroundings).made == 0);
    fixture.flip(packs.at(0), 100);
    CHECK(fixture.repair().packs_healed == 1);
    CHECK(fixture.verify().empty());
    CHECK(turn_parity_off(repository, false, surroundings).removed == packs.size());
    CHECK(fixture.list("parity").empty());
}

TEST_CASE("bad sectors: repair heals by parity, in the pack and in the parity") {
    Fixture fixture(true);
    SpoiledBackend disk(fixture.backend);
    const auto repository = open_tiny_repository(disk, fixture.key);
    for (const auto& name : fixture.list("packs")) {
        const auto good = fixture.backend.get(name);
        // Header and first frame; tables and trailer.
        for (const auto sector : {std::size_t{0}, (good.size() - 1) / kSector}) {
            INFO(name << " at " << sector);
            disk.spoil(name, sector * kSector, kSector);
            const auto result = fixture.repair_in(repository, {.read_data = true});
            CHECK(result.packs_healed == 1);
            CHECK(result.lost.empty());
            CHECK(disk.get(name) == good);
        }
        if (good.size() > 2 * kSector) {
            // The parity of other blocks.
            disk.spoil(parity_name(*find_pack_digest(name)), 2 * kSector, kSector);
            disk.spoil(name, 0, kSector);
            CHECK(fixture.repair_in(repository, {.read_data = true}).packs_healed == 1);
            CHECK(disk.get(name) == good);
        }
    }
}

TEST_CASE("bad sectors: without parity repair ends, and saves what can be read") {
    Fixture fixture;
    SpoiledBackend disk(fixture.backend);
    const auto repository = open_tiny_repository(disk, fixture.key);
    const auto packs = fixture.packs_of(BlobKind::DataPack);
    const auto name =
        *std::max_element(packs.begin(), packs.end(), [&](const auto& left, const auto& right) {
            return disk.size(left) < disk.size(right);
        });
    REQUIRE(disk.size(name) > 4 * kSector);
    disk.spoil(name, 2 * kSector, kSector);
    const auto result = fixture.repair_in(repository, {.read_data = true});
    CHECK(result.packs_quarantined == 1);
    CHECK(result.chunks_saved > 0);
    CHECK(result.chunks_lost > 0);
    REQUIRE_FALSE(result.lost.empty());
    CHECK_FALSE(disk.exists(name));
    CHECK(disk.size(quarantine_name(name)) > 0);
    for (const auto& problem : fixture.verify()) {
        CHECK(tells(result.lost, problem.subject));
    }
    write_point(repository, "next", fixture.files, fixture.random, fixture.clock);
    CHECK(fixture.verify().empty());
    CHECK(read_files(fixture.open(), fixture.point) == fixture.files);
}

TEST_CASE("bad sectors: an index segment is made again, from the packs") {
    Fixture fixture;
    SpoiledBackend disk(fixture.backend);
    const auto repository = open_tiny_repository(disk, fixture.key);
    const auto name = fixture.list("index").at(0);
    const auto offset = GENERATE(std::uint64_t{0}, std::uint64_t{100});
    disk.spoil(name, offset, 1);
    CHECK(fixture.repair_in(repository, {.dry_run = true}).segments_quarantined == 1);
    const auto result = fixture.repair_in(repository, {});
    CHECK(result.segments_quarantined == 1);
    CHECK(result.lost.empty());
    CHECK(fixture.verify().empty());
}

TEST_CASE("a storage that stumbles once is never taken for a loss") {
    const auto read_data = GENERATE(false, true);
    for (std::uint64_t at = 1;; ++at) {
        REQUIRE(at < 500);
        INFO("call " << at);
        Fixture fixture(true);
        FaultyBackend faulty;
        copy_all(fixture.backend, faulty.blobs());
        const auto repository = open_tiny_repository(faulty, fixture.key);
        RepairResult result;
        faulty.fail_from(at, Fault::Once);
        const auto failure =
            failure_of([&] { result = fixture.repair_in(repository, {.read_data = read_data}); });
        const bool has_ended = faulty.calls() < at;
        faulty.heal();
        CHECK((!failure || failure->code() == ErrorCode::Io));
        CHECK(result.lost.empty());
        CHECK(result.packs_quarantined == 0);
        CHECK(result.segments_quarantined == 0);
        CHECK(damaged_points(load_checks(repository)).empty());
        CHECK(find_unsound_packs(repository).empty());
        std::size_t quarantined = 0;
        faulty.list("quarantine", [&quarantined](const auto&) { ++quarantined; });
        CHECK(quarantined == 0);
        if (has_ended) {
            CHECK(at > 20);
            return;
        }
    }
}

TEST_CASE("a storage that goes away ends a repair, and nothing is taken for damage") {
    for (std::uint64_t at = 1;; ++at) {
        REQUIRE(at < 500);
        INFO("call " << at);
        Fixture fixture(true);
        FaultyBackend faulty;
        copy_all(fixture.backend, faulty.blobs());
        const auto repository = open_tiny_repository(faulty, fixture.key);
        faulty.fail_from(at, Fault::Before);
        const auto failure =
            failure_of([&] { fixture.repair_in(repository, {.read_data = true}); });
        faulty.heal();
        CHECK(damaged_points(load_checks(repository)).empty());
        CHECK(find_unsound_packs(repository).empty());
        if (!failure) {
            CHECK(at > 20);
            return;
        }
        CHECK(failure->code() == ErrorCode::Io);
    }
}

TEST_CASE("a repair that sleeps while prunes take it for dead loses no more than another one") {
    Fixture fixture;
    const auto name = fixture.packs_of(BlobKind::DataPack).at(0);
    fixture.flip(name, format::kHeaderBytes + 10);
    const auto subjects = [](const std::vector<Problem>& problems) {
        std::set<std::string> names;
        for (const auto& problem : problems) {
            names.insert(problem.subject);
        }
        return names;
    };
    const auto expected = subjects(fixture.repair({.dry_run = true, .read_data = true}).lost);
    REQUIRE_FALSE(expected.empty());
    for (std::uint64_t at = 1;; ++at) {
        REQUIRE(at < 500);
        INFO("call " << at);
        FaultyBackend faulty(&fixture.clock);
        copy_all(fixture.backend, faulty.blobs());
        const auto repository = open_tiny_repository(faulty, fixture.key);
        const auto beside = open_tiny_repository(faulty.blobs(), fixture.key);
        bool was_delayed = false;
        faulty.delay(at, [&] {
            was_delayed = true;
            NullProgress progress;
            SeededRandom random(at);
            for (int i = 0; i < 2; ++i) {
                fixture.clock.advance(std::chrono::hours(5));
                prune_repository(beside, {}, {fixture.clock, random, progress, {}});
            }
        });
        const auto failure =
            failure_of([&] { fixture.repair_in(repository, {.read_data = true}); });
        faulty.delay(0, {});
        CHECK((!failure || failure->code() == ErrorCode::Incomplete));
        const auto again = fixture.repair_in(repository, {.read_data = true});
        CHECK(subjects(again.lost) == expected);
        if (!was_delayed) {
            CHECK(at > 40);
            return;
        }
    }
}
