// SPDX-License-Identifier: Apache-2.0
// Every call to the backend while a point is written fails once, in every manner; then the power
// goes. Afterwards: the repository opens, the point before is whole, no half point is listed, and
// the next run succeeds.
#include "core/maintenance/verify.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/faulty_backend.hpp"
#include "tests/support/test_repository.hpp"

#include <optional>

using namespace backup;
using namespace backup::maintenance;
using namespace backup::repository;
using namespace backup::testing;

namespace {

struct Scene {
    explicit Scene(std::uint64_t seed) : random(seed) {
        key = init_tiny_repository(backend, random, clock);
        first = some_files(random);
        write_point(open_tiny_repository(backend, key), "first", first, random, clock);
        clock.advance(std::chrono::hours(1));
        second = first;
        second["text"][10'000] ^= std::byte{1};
        second.emplace("new", random.bytes(200'000));
    }

    PointRecord write_second() {
        return write_point(open_tiny_repository(backend, key), "second", second, random, clock);
    }

    const Files& files_of(const PointRecord& record) const {
        return record.point.name == "first" ? first : second;
    }

    std::vector<Problem> verify() {
        NullProgress progress;
        return verify_repository(
                   open_tiny_repository(backend, key), {.level = VerifyLevel::ReadData}, progress)
            .problems;
    }

    SeededRandom random;
    FakeClock clock;
    FaultyBackend backend;
    KeyFile key;
    Files first;
    Files second;
};

/// How many calls writing the second point takes.
std::uint64_t count_calls(std::uint64_t seed) {
    Scene scene(seed);
    scene.backend.count_from_zero();
    scene.write_second();
    return scene.backend.calls();
}

void check_what_is_left(Scene& scene, bool has_succeeded) {
    const auto repository = open_tiny_repository(scene.backend, scene.key);
    const auto points = list_points(repository);
    REQUIRE(!points.empty());
    REQUIRE(points.size() <= 2);
    CHECK((!has_succeeded || points.size() == 2));
    for (const auto& point : points) {
        CHECK(read_files(repository, point) == scene.files_of(point));
    }
    CHECK(scene.verify().empty());

    scene.clock.advance(std::chrono::hours(1));
    const auto next = scene.write_second();
    CHECK(read_files(repository, next) == scene.second);
    CHECK(list_points(repository).size() == points.size() + 1);
    CHECK(scene.verify().empty());
}

void fail_at(std::uint64_t seed, std::uint64_t call, Fault fault, ErrorCode code) {
    INFO("call " << call << ", fault " << static_cast<int>(fault));
    Scene scene(seed);
    scene.backend.fail_from(call, fault, code);
    const auto failure = [&]() -> std::optional<Error> {
        try {
            scene.write_second();
            return std::nullopt;
        } catch (const Error& error) {
            return error;
        }
    }();
    scene.backend.heal();
    if (failure) {
        CHECK(failure->code() == code);
    }
    scene.backend.lose_power(scene.random);
    check_what_is_left(scene, !failure);
}

}  // namespace

TEST_CASE("any call may fail while a point is written") {
    const auto seed = test_seed();
    const auto calls = count_calls(seed);
    REQUIRE(calls > 30);
    for (std::uint64_t call = 1; call <= calls; ++call) {
        for (const auto fault : {Fault::Before, Fault::After, Fault::Torn}) {
            fail_at(seed, call, fault, call % 2 == 0 ? ErrorCode::Io : ErrorCode::NoSpace);
        }
    }
}

TEST_CASE("any call may fail while a repository is made") {
    const auto init = [](FaultyBackend& backend) {
        SeededRandom random;
        FakeClock clock;
        return init_tiny_repository(backend, random, clock);
    };
    const auto calls = [&] {
        FaultyBackend backend;
        init(backend);
        return backend.calls();
    }();
    REQUIRE(calls >= 4);
    for (std::uint64_t call = 1; call <= calls; ++call) {
        for (const auto fault : {Fault::Before, Fault::After}) {
            FaultyBackend backend;
            SeededRandom random;
            backend.fail_from(call, fault);
            CHECK(error_code_of([&] {
                      init(backend);
                      return 0;
                  }) == ErrorCode::Io);
            backend.heal();
            backend.lose_power(random);
            if (repository_exists(backend)) {
                // The key file was stored before: it is the one of this seed.
                SeededRandom same;
                const auto key = make_new_repository(same).key_file;
                CHECK_NOTHROW(open_tiny_repository(backend, key));
            } else {
                CHECK_NOTHROW(open_tiny_repository(backend, init(backend)));
            }
        }
    }
}

TEST_CASE("a run that goes away without a commit leaves nothing that is seen") {
    Scene scene(test_seed());
    const auto repository = open_tiny_repository(scene.backend, scene.key);
    {
        ChunkStore chunks(repository);
        Writer writer(repository, chunks, scene.random, scene.clock);
        for (int i = 0; i < 20; ++i) {
            writer.add_stream(scene.random.bytes(20'000));
        }
    }
    CHECK(list_points(repository).size() == 1);
    CHECK(scene.verify().empty());
}
