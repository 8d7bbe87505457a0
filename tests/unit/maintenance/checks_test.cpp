// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/checks.hpp"

#include "core/maintenance/read_order.hpp"
#include "core/maintenance/verify.hpp"
#include "core/repository/blob_name.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/test_repository.hpp"

#include <chrono>

using namespace backup;
using namespace backup::maintenance;
using namespace backup::repository;
using namespace backup::testing;

namespace {

IndexedPack make_pack(unsigned number, std::uint64_t size) {
    IndexedPack pack;
    pack.name[0] = static_cast<std::byte>(number);
    pack.size = size;
    return pack;
}

struct Fixture {
    SeededRandom random;
    FakeClock clock;
    backend::MemoryBackend backend;
    KeyFile key = init_tiny_repository(backend, random, clock);
    Repository repository = open_tiny_repository(backend, key);
    PointRecord point = write_point(repository, "point", some_files(random), random, clock);

    VerifyResult verify(unsigned percent) {
        NullProgress progress;
        return verify_and_remember(repository,
                                   {.level = VerifyLevel::ReadData, .percent = percent},
                                   {clock, random, progress, {}});
    }

    std::size_t records() {
        std::size_t count = 0;
        backend.list(kChecksFolder, [&count](const auto&) { ++count; });
        return count;
    }
};

}  // namespace

TEST_CASE("packs that were not read for the longest time come first") {
    std::vector<IndexedPack> packs;
    Checks known;
    for (unsigned i = 0; i < 10; ++i) {
        packs.push_back(make_pack(i, 100));
    }
    const TimePoint now{std::chrono::hours(100'000)};
    for (unsigned i = 0; i < 8; ++i) {
        known.packs[packs[i].name] = {now - std::chrono::hours(100 - i), true};
    }
    // Never: 8 and 9; then the oldest.
    const auto chosen = choose_packs_to_read(packs, known, 30);
    CHECK(chosen == std::set{packs[8].name, packs[9].name, packs[0].name});
    CHECK(choose_packs_to_read(packs, known, 1) == std::set{packs[8].name});
    CHECK(choose_packs_to_read(packs, known, 100).size() == 10);
    CHECK(choose_packs_to_read(packs, known, 0).empty());

    const auto age = measure_read_age(packs, known, now);
    CHECK(age.all_bytes == 1000);
    CHECK(age.never_bytes == 200);
    CHECK(age.within[0].bytes == 0);
    CHECK(age.within[1].bytes == 800);
    CHECK(age.oldest == now - std::chrono::hours(100));
}

TEST_CASE("so many parts walk through everything") {
    Fixture fixture;
    std::set<content::Digest> read;
    for (int round = 0; round < 5; ++round) {
        fixture.clock.advance(std::chrono::hours(24));
        const auto result = fixture.verify(20);
        CHECK(result.problems.empty());
        CHECK_FALSE(result.not_remembered);
        for (const auto& [name, check] : result.found.packs) {
            read.insert(name);
        }
        CHECK(fixture.records() == 1);
    }
    const auto result = fixture.verify(1);
    CHECK(read.size() == result.packs);
    CHECK(result.read_age.never_bytes == 0);
    CHECK(result.read_age.within[1].bytes == result.read_age.all_bytes);
}

TEST_CASE("checks come back as they were, and damage in them is no loss") {
    Fixture fixture;
    fixture.verify(100);
    const auto checks = load_checks(fixture.repository);
    CHECK(checks.packs.size() >= 3);
    CHECK(checks.points.at(fixture.point.point.id).is_sound);
    CHECK(damaged_points(checks).empty());
    const auto blob = encode_checks(fixture.repository, checks, fixture.random);
    CHECK(decode_checks(fixture.repository, blob, "checks") == checks);

    std::string name;
    fixture.backend.list(kChecksFolder, [&name](const auto& info) { name = info.name; });
    auto bytes = fixture.backend.get(name);
    bytes[150] ^= std::byte{1};
    fixture.backend.remove(name);
    fixture.backend.put(name, bytes);
    CHECK(load_checks(fixture.repository).packs.empty());
    NullProgress progress;
    const auto problems = verify_repository(fixture.repository, {}, progress).problems;
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].subject == name);
    CHECK(fixture.verify(100).packs_read == checks.packs.size());
    CHECK(verify_repository(fixture.repository, {}, progress).problems.empty());
}
