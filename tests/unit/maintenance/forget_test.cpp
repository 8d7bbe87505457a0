// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/forget.hpp"

#include "core/base/task_group.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/forget_notice.hpp"
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

using World = PruneWorld;

TEST_CASE("forget: points under hold are refused, and then nothing goes") {
    World world;
    const auto held = world.write("held", {{"a", world.random.bytes(100)}}).point.id;
    const auto free = world.write("free", {{"a", world.random.bytes(100)}}).point.id;
    put_hold(world.repository, {held, "audit", "", world.clock.now()}, world.random);
    const std::vector<std::string> both{free, held};
    CHECK(error_code_of([&] { forget_points(world.repository, both, world.random); }) ==
          ErrorCode::InvalidArgument);
    CHECK(world.list("points").size() == 2);
    remove_hold(world.repository, held);
    CHECK(forget_points(world.repository, both, world.random).size() == 2);
    CHECK(world.list("points").empty());
    CHECK(forget_points(world.repository, both, world.random).empty());
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

namespace {

struct Meeting {
    Meeting() {
        id = world.write("point", {{"a", world.random.bytes(100)}}).point.id;
        world.write("other", {{"a", world.random.bytes(100)}});
    }

    std::optional<Error> hold(backend::Backend& storage) {
        return failure_of([&] {
            const auto repository = open_tiny_repository(storage, world.key);
            put_hold(repository, {id, "audit", "", world.clock.now()}, world.random);
        });
    }

    std::optional<Error> forget(backend::Backend& storage) {
        return failure_of([&] {
            const auto repository = open_tiny_repository(storage, world.key);
            const std::vector<std::string> ids{id};
            forget_points(repository, ids, world.random);
        });
    }

    bool is_there() {
        const auto names = world.list("points");
        return std::any_of(names.begin(), names.end(), [this](const std::string& name) {
            return name.find(id) != std::string::npos;
        });
    }

    /// What must be true of any two that met, whoever was first.
    void check(const std::optional<Error>& held, const std::optional<Error>& forgotten) {
        INFO("hold: " << (held ? held->what() : "succeeds"));
        INFO("forget: " << (forgotten ? forgotten->what() : "succeeds"));
        CHECK(is_there() == forgotten.has_value());
        CHECK((held || is_there()));
        // Not both give up, unless the hold is there for the next one to count on.
        CHECK((!held || !forgotten || held->code() == ErrorCode::Incomplete));
        CHECK((!held || held->code() == ErrorCode::Incomplete ||
               held->code() == ErrorCode::PointNotFound));
        CHECK((!forgotten || forgotten->code() == ErrorCode::InvalidArgument));
        CHECK(world.list("forgets").empty());
        // Run again it tells what became of it.
        const auto again = hold(world.backend.blobs());
        CHECK(is_there() == !again);
        CHECK(world.list("holds").size() == (again ? 0 : 1));
    }

    World world;
    std::string id;
};

/// Runs `delayed` with `meanwhile` in front of each of its calls in turn.
template <typename Delayed, typename Meanwhile, typename Check>
void run_at_each_call(Delayed delayed, Meanwhile meanwhile, Check check) {
    for (std::uint64_t call = 1;; ++call) {
        REQUIRE(call < 200);
        INFO("call " << call);
        Meeting meeting;
        bool was_there = false;
        std::optional<Error> of_other;
        meeting.world.backend.delay(call, [&] {
            was_there = true;
            of_other = meanwhile(meeting, meeting.world.backend.blobs());
        });
        const auto own = delayed(meeting, meeting.world.backend);
        meeting.world.backend.delay(0, {});
        if (!was_there) {
            CHECK(call > 5);
            return;
        }
        check(meeting, own, of_other);
    }
}

}  // namespace

TEST_CASE("forget: a hold that is put between any two of its calls keeps the point, or says no") {
    run_at_each_call(
        [](Meeting& meeting, backend::Backend& storage) { return meeting.forget(storage); },
        [](Meeting& meeting, backend::Backend& storage) { return meeting.hold(storage); },
        [](Meeting& meeting, const auto& own, const auto& other) { meeting.check(other, own); });
}

TEST_CASE("hold: a forget between any two of its calls gives way, or the hold says no") {
    run_at_each_call(
        [](Meeting& meeting, backend::Backend& storage) { return meeting.hold(storage); },
        [](Meeting& meeting, backend::Backend& storage) { return meeting.forget(storage); },
        [](Meeting& meeting, const auto& own, const auto& other) { meeting.check(own, other); });
}

TEST_CASE("forget: killed at any call, no hold is promised that it could still break") {
    for (std::uint64_t call = 1;; ++call) {
        REQUIRE(call < 200);
        INFO("call " << call);
        Meeting meeting;
        auto& world = meeting.world;
        world.backend.fail_from(call, Fault::Before);
        const auto failure = meeting.forget(world.backend);
        world.backend.heal();
        const bool is_announced = !world.list("forgets").empty();
        const auto held = meeting.hold(world.backend);
        if (meeting.is_there()) {
            CHECK(held.has_value() == is_announced);
            CHECK((!held || held->code() == ErrorCode::Incomplete));
            remove_hold(world.repository, meeting.id);
        } else {
            REQUIRE(held);
            CHECK(held->code() == ErrorCode::PointNotFound);
        }
        // The next one ends the work, and nothing of the first one stays.
        CHECK_FALSE(meeting.forget(world.backend));
        CHECK_FALSE(meeting.is_there());
        world.prune();
        CHECK(world.list("forgets").empty());
        CHECK(world.list("holds").empty());
        if (!failure) {
            CHECK(call > 8);
            return;
        }
    }
}

TEST_CASE("forget: on a full disk the room for its notice comes out of the reserve") {
    struct Full : backend::MemoryBackend {
        using MemoryBackend::MemoryBackend;
        bool is_full = false;
        bool has_reserve = true;

        void put(std::string_view name, ByteView bytes, bool exclusive) override {
            if (is_full && has_reserve) {
                throw Error(ErrorCode::NoSpace, "full");
            }
            MemoryBackend::put(name, bytes, exclusive);
        }

        std::uint64_t release_reserve() override {
            has_reserve = false;
            return 1U << 20U;
        }

        void restore_reserve() override { has_reserve = true; }
    };

    SeededRandom random;
    FakeClock clock;
    Full storage;
    const auto key = init_tiny_repository(storage, random, clock);
    const auto repository = open_tiny_repository(storage, key);
    const std::vector<std::string> ids{
        write_point(repository, "point", {}, random, clock).point.id};
    storage.is_full = true;
    CHECK(forget_points(repository, ids, random) == ids);
    CHECK(storage.has_reserve);
}
