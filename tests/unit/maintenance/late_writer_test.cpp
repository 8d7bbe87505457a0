// SPDX-License-Identifier: Apache-2.0
// A writer that sleeps, or dies, at its end while others prune, hold and forget.
#include "core/base/task_group.hpp"
#include "core/maintenance/settle.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/hold.hpp"
#include "core/repository/session.hpp"
#include "core/repository/session_store.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/maintenance/prune_world.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <limits>
#include <optional>

using namespace backup;
using namespace backup::maintenance;
using namespace backup::repository;
using namespace backup::testing;

namespace {
/// Asks before each call of one run.
class SteppedBackend : public backend::ForwardingBackend {
  public:
    SteppedBackend(backend::Backend& storage, std::function<void(std::uint64_t)> before_call)
        : ForwardingBackend(storage),
          before_call_(std::move(before_call)) {}

    std::string location() const override { return "memory, step by step"; }

    std::uint64_t calls() const { return calls_; }

  protected:
    void pass(backend::StorageCall /*call*/,
              std::string_view /*blob*/,
              const std::function<void()>& effect) override {
        before_call_(++calls_);
        effect();
    }

  private:
    std::function<void(std::uint64_t)> before_call_;
    std::uint64_t calls_ = 0;
};

constexpr auto kNever = std::numeric_limits<std::uint64_t>::max();

/// The calls of a writer, behind the sign of its session, at which something happens.
struct Steps {
    std::uint64_t pruned = kNever;  // a prune runs: what the writer has stored is condemned
    std::uint64_t asleep = kNever;  // it sleeps while others act
    std::uint64_t dead = kNever;    // and dies so many calls behind
};

/// A writer that has stored everything and is about to commit.
struct WriterWorld : PruneWorld {
    WriterWorld() {
        write("kept", dense_files(random, 2));
        const auto before = list_present_packs(repository);
        cut = {write("cut", dense_files(random, 2)), {}};
        cut.second = points.at("cut").second;
        const auto after = list_present_packs(repository);
        std::set_difference(
            after.begin(), after.end(), before.begin(), before.end(), std::back_inserter(packs));
        blob_name = list("points").back();
        blob = backend.get(blob_name);
        backend.remove(blob_name);
        points.erase("cut");
    }

    void sleep(std::chrono::nanoseconds time) {
        clock.advance(time);
        for (int i = 0; i < 2; ++i) {
            prune();
        }
    }

    void hold() {
        was_held = !failure_of([&] {
            put_hold(repository, {cut.first.point.id, "audit", "", clock.now()}, random);
        });
    }

    void forget_if_there() {
        if (backend.exists(blob_name)) {
            const std::vector<std::string> ids{cut.first.point.id};
            CHECK(forget_points(repository, ids, random) == ids);
            is_forgotten = true;
            sleep(std::chrono::minutes(6));
        }
    }

    /// One bit of the ticket decays.
    void damage_ticket() {
        for (const auto& name : list("sessions")) {
            if (name.ends_with("-end")) {
                auto bytes = backend.get(name);
                bytes.back() ^= std::byte{1};
                backend.remove(name);
                backend.put(name, bytes);
            }
        }
    }

    /// Who slept behind its last look does not notice.
    void remove_lost_marks() {
        for (const auto& name : list("sessions")) {
            if (name.ends_with("-lost")) {
                backend.remove(name);
            }
        }
    }

    std::optional<Error> commit(const Steps& steps, const std::function<void()>& meanwhile) {
        std::uint64_t begin = kNever;
        SteppedBackend stepped(backend.blobs(), [&](std::uint64_t call) {
            if (begin == kNever) {
                return;
            }
            if (call - begin == steps.pruned) {
                prune();
            }
            if (call - begin == steps.asleep) {
                was_put = backend.exists(blob_name);
                is_reached = true;
                meanwhile();
            }
            if (steps.dead != kNever && call - begin >= steps.asleep + steps.dead) {
                throw Error(ErrorCode::Io, "this run is dead");
            }
        });
        const auto seen = open_tiny_repository(stepped, key);
        std::optional<Session> session(std::in_place, seen, random, clock);
        begin = stepped.calls();
        auto failure = failure_of([&] { session->commit(blob_name, blob, packs); });
        session.reset();
        return failure;
    }

    /// Everybody else has time now: what is there is whole, and nobody's prune fails.
    void check_all() {
        for (int i = 0; i < 2; ++i) {
            prune();
            clock.advance(std::chrono::hours(3));
        }
        if (backend.exists(blob_name)) {
            points.emplace("cut", cut);
        }
        check();
        CHECK(list("sessions").empty());
    }

    void check_no_marks() {
        CHECK(list("forgets").empty());
        CHECK(list("completes").empty());
    }

    std::pair<PointRecord, Files> cut;
    std::vector<content::Digest> packs;
    std::string blob_name;
    Bytes blob;
    bool is_reached = false;
    bool was_put = false;  // when the writer fell asleep
    bool was_held = false;
    bool is_forgotten = false;
};

/// Every pair of calls of a commit, until there are no more of them.
template <typename Look>
void for_each_pair(Look look) {
    bool is_reached = true;
    for (std::uint64_t asleep = 1; is_reached; ++asleep) {
        REQUIRE(asleep < 50);
        for (std::uint64_t pruned = 1; pruned <= asleep; ++pruned) {
            INFO("pruned at " << pruned << ", asleep at " << asleep);
            is_reached = look(pruned, asleep);
        }
    }
}

}  // namespace

TEST_CASE("settle: a writer that sleeps at its end takes no point back that somebody holds") {
    unsigned held = 0;
    for (const auto time : {std::chrono::minutes(6), std::chrono::minutes(180)}) {
        for_each_pair([&](std::uint64_t pruned, std::uint64_t asleep) {
            for (const auto dead : {kNever, 0UL, 1UL, 2UL, 3UL}) {
                INFO(time.count() << " min, dead behind " << dead);
                WriterWorld world;
                const auto failure = world.commit({pruned, asleep, dead}, [&] {
                    world.sleep(time);
                    world.hold();
                });
                if (!world.is_reached) {
                    return false;
                }
                held += world.was_held ? 1U : 0U;
                if (world.was_held) {
                    CHECK(world.backend.exists(world.blob_name));
                }
                if (world.was_put && dead == kNever) {
                    CHECK(!failure);
                }
                world.check_all();
                if (world.was_put || dead == kNever) {
                    world.check_no_marks();
                }
            }
            return true;
        });
    }
    CHECK(held > 50);
}

TEST_CASE("settle: a writer that sleeps at its end, and dies, brings no forgotten point back") {
    unsigned forgotten = 0;
    for (const auto time : {std::chrono::minutes(6), std::chrono::minutes(180)}) {
        for_each_pair([&](std::uint64_t pruned, std::uint64_t asleep) {
            for (const auto dead : {kNever, 0UL, 1UL, 2UL, 3UL, 4UL}) {
                INFO(time.count() << " min, dead behind " << dead);
                WriterWorld world;
                const auto failure = world.commit({pruned, asleep, dead}, [&] {
                    world.sleep(time);
                    world.forget_if_there();
                });
                if (!world.is_reached) {
                    return false;
                }
                forgotten += world.is_forgotten ? 1U : 0U;
                if (world.is_forgotten && dead == kNever) {
                    CHECK_FALSE(world.backend.exists(world.blob_name));
                }
                world.check_all();
                if (world.is_forgotten) {
                    CHECK_FALSE(world.backend.exists(world.blob_name));
                }
                if (world.was_put || dead == kNever) {
                    world.check_no_marks();
                }
            }
            return true;
        });
    }
    CHECK(forgotten > 50);
}

TEST_CASE("settle: a writer whose ticket decayed while it slept leaves no point without its data") {
    unsigned fenced = 0;
    for_each_pair([&](std::uint64_t pruned, std::uint64_t asleep) {
        WriterWorld world;
        const auto failure = world.commit({pruned, asleep, kNever}, [&] {
            world.damage_ticket();
            world.sleep(std::chrono::minutes(180));
        });
        if (!world.is_reached) {
            return false;
        }
        fenced += failure ? 1U : 0U;
        if (failure) {
            CHECK(failure->code() == ErrorCode::Incomplete);
        }
        CHECK(world.backend.exists(world.blob_name) == !failure);
        if (world.was_put) {
            world.remove_lost_marks();
        }
        world.check_all();
        world.check_no_marks();
        return true;
    });
    CHECK(fenced > 5);
}

TEST_CASE("settle: a writer notices between any two calls of a prune that its ticket decayed") {
    unsigned taken_back = 0;
    for (std::uint64_t call = 1; call <= 150; ++call) {
        INFO("call " << call);
        WriterWorld world;
        const std::string id(32, 'a');
        world.backend.put(
            session_name(id),
            encode_session(
                world.repository, {id, "host", 1, "program", world.clock.now(), {}}, world.random));
        world.prune();
        REQUIRE(put_session_end(world.repository, id, {world.blob_name, world.blob}, world.random));
        world.damage_ticket();
        world.clock.advance(std::chrono::hours(3));
        bool is_noticed = false;
        world.backend.delay(call, [&] {
            // As Session::commit() behind its ticket.
            auto& blobs = world.backend.blobs();
            put_new(blobs, world.blob_name, world.blob);
            if (!blobs.exists(session_name(id))) {
                is_noticed = true;
                CHECK(blobs.exists(lost_ticket_name(id)));
            }
        });
        const auto failure = failure_of([&] { world.prune(); });
        world.backend.delay(0, {});
        if (is_noticed) {
            // It looks whether its data is there; as if it were not:
            ++taken_back;
            world.backend.remove(world.blob_name);
        } else {
            CHECK_FALSE(failure);
        }
        world.backend.remove(lost_ticket_name(id));
        world.check_all();
    }
    CHECK(taken_back > 5);
}
