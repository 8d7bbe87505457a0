// SPDX-License-Identifier: Apache-2.0
#include "core/repository/session.hpp"

#include "core/base/text.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/completion_name.hpp"
#include "core/repository/gc_generation.hpp"
#include "core/repository/hold.hpp"
#include "core/repository/session_store.hpp"
#include "core/repository/stored_record.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/spoiled_backend.hpp"
#include "tests/support/test_repository.hpp"

#include <functional>
#include <optional>
#include <set>
#include <utility>

using namespace backup;
using namespace backup::repository;
using namespace backup::testing;

namespace {

/// Lets somebody else act right before and behind the put of a point.
class Interrupted : public backend::MemoryBackend {
  public:
    using MemoryBackend::MemoryBackend;

    void put(std::string_view name, ByteView bytes, bool exclusive = false) override {
        if (name.starts_with("points/") && before_point) {
            std::exchange(before_point, nullptr)();
        }
        MemoryBackend::put(name, bytes, exclusive);
        if (name.starts_with("points/") && behind_point) {
            std::exchange(behind_point, nullptr)();
        }
    }

    void remove(std::string_view name) override {
        if (!can_remove) {
            throw Error(ErrorCode::Forbidden, "nobody may remove anything here");
        }
        MemoryBackend::remove(name);
    }

    std::function<void()> before_point;
    std::function<void()> behind_point;
    bool can_remove = true;
};

/// A repository with two packs (of no meaning) and what a point's blob would be.
struct World {
    World() {
        for (auto& pack : packs) {
            random.fill(pack);
            backend.put(pack_name(pack), random.bytes(10));
        }
    }

    std::vector<std::string> list(std::string_view folder) {
        std::vector<std::string> names;
        backend.list(folder, [&](const backend::BlobInfo& info) { names.push_back(info.name); });
        return names;
    }

    void replace(const std::string& name, ByteView bytes) {
        backend.remove(name);
        backend.put(name, bytes);
    }

    void commit(Session& session) { session.commit(point_name(clock.now(), digest), point, packs); }

    bool has_point() { return !list("points").empty(); }

    /// What a prune does to a session it takes for dead.
    void expire(const std::string& id) { REQUIRE(put_session_end(repository, id, {}, random)); }

    void remove(const std::string& id) {
        for (const auto& state : list_sessions(repository)) {
            if (state.record.id == id) {
                remove_session(repository, state);
            }
        }
    }

    SeededRandom random{7};
    FakeClock clock;
    Interrupted backend{&clock};
    KeyFile key = init_tiny_repository(backend, random, clock);
    Repository repository = open_tiny_repository(backend, key);
    std::array<content::Digest, 2> packs{};
    Bytes point = random.bytes(300);
    content::Digest digest = content::sha256(point);
};

}  // namespace

TEST_CASE("session: a commit leaves the point and nothing else") {
    World world;
    {
        Session session(world.repository, world.random, world.clock);
        CHECK_FALSE(session.saw_collection());
        const auto states = list_sessions(world.repository);
        REQUIRE(states.size() == 1);
        CHECK(states[0].is_begun);
        CHECK_FALSE(states[0].has_end);
        CHECK(states[0].record.id == session.id());
        CHECK(states[0].record.program == "kubectl-backup");
        CHECK(states[0].record.started == world.clock.now());
        CHECK(states[0].last_sign_seconds ==
              world.clock.now().time_since_epoch() / std::chrono::seconds(1));
        world.commit(session);
    }
    CHECK(world.has_point());
    CHECK(world.list("sessions").empty());
}

TEST_CASE("session: one that ends without a point leaves nothing") {
    World world;
    { const Session session(world.repository, world.random, world.clock); }
    CHECK(world.list("sessions").empty());
    CHECK_FALSE(world.has_point());
}

TEST_CASE("session: a sign every five minutes, the older one removed") {
    World world;
    Session session(world.repository, world.random, world.clock);
    session.keep_alive();
    CHECK(world.list("sessions").size() == 1);
    for (int i = 0; i < 3; ++i) {
        world.clock.advance(std::chrono::minutes(5));
        session.keep_alive();
        session.keep_alive();
        CHECK(world.list("sessions").size() == 2);
        CHECK(list_sessions(world.repository)[0].last_sign_seconds ==
              world.clock.now().time_since_epoch() / std::chrono::seconds(1));
    }
    world.commit(session);
    CHECK(world.list("sessions").empty());
}

TEST_CASE("session: it obeys the generations that were there, and says which it knows") {
    World world;
    const auto generation =
        put_generation(world.repository, {world.packs[1]}, world.clock.now(), world.random);
    Session session(world.repository, world.random, world.clock);
    CHECK(session.saw_collection());
    CHECK(session.is_condemned(world.packs[1]));
    CHECK_FALSE(session.is_condemned(world.packs[0]));
    CHECK(list_sessions(world.repository)[0].record.knows ==
          std::vector<std::string>{generation.id});
    CHECK(error_code_of([&] { world.commit(session); }) == ErrorCode::Incomplete);
    CHECK_FALSE(world.has_point());
}

TEST_CASE("session: a generation that came later does not concern it") {
    World world;
    Session session(world.repository, world.random, world.clock);
    put_generation(world.repository, {world.packs[1]}, world.clock.now(), world.random);
    CHECK_FALSE(session.is_condemned(world.packs[1]));
    world.commit(session);
    CHECK(world.has_point());
}

TEST_CASE("session: a pack that is gone at the commit is noticed") {
    World world;
    Session session(world.repository, world.random, world.clock);
    world.backend.remove(pack_name(world.packs[0]));
    CHECK(error_code_of([&] { world.commit(session); }) == ErrorCode::Incomplete);
    CHECK_FALSE(world.has_point());
}

TEST_CASE("session: one that was taken for dead begins anew when all it needs is there") {
    for (const bool is_swept : {false, true}) {
        World world;
        Session session(world.repository, world.random, world.clock);
        const auto first = session.id();
        world.expire(first);
        if (is_swept) {
            world.remove(first);
        }
        world.commit(session);
        CHECK(world.has_point());
        CHECK(session.id() != first);
        CHECK(world.list("sessions").empty());
    }
}

TEST_CASE(
    "session: one that was taken for dead fails when something it needs is condemned or gone") {
    for (const bool is_gone : {false, true}) {
        for (const bool is_swept : {false, true}) {
            World world;
            {
                Session session(world.repository, world.random, world.clock);
                world.expire(session.id());
                if (is_swept) {
                    world.remove(session.id());
                }
                if (!is_gone) {
                    put_generation(
                        world.repository, {world.packs[1]}, world.clock.now(), world.random);
                }
                const auto commit = [&] {
                    if (is_gone) {
                        world.backend.remove(pack_name(world.packs[1]));
                    }
                    world.commit(session);
                };
                CHECK(error_code_of(commit) == ErrorCode::Incomplete);
            }
            CHECK_FALSE(world.has_point());
            CHECK(world.list("sessions").empty());
        }
    }
}

TEST_CASE("session: who sleeps behind its ticket while others complete it does no harm") {
    enum class Meanwhile { Completed, Deleted, Lost, LostAndCondemned, LostAndCollected };
    using enum Meanwhile;
    for (const auto meanwhile : {Completed, Deleted, Lost, LostAndCondemned, LostAndCollected}) {
        INFO(static_cast<int>(meanwhile));
        World world;
        const auto sleeper = sleeper_name(world.digest, std::string(32, 'a'));
        const auto completion = completion_name(world.digest, std::string(32, 'b'));
        Session session(world.repository, world.random, world.clock);
        world.backend.before_point = [&] {
            const auto end = find_session_end(world.repository, session.id());
            REQUIRE(end);
            world.remove(session.id());
            if (meanwhile == Completed) {
                world.backend.MemoryBackend::put(end->point_name, end->point, true);
            }
            if (meanwhile == Deleted) {
                // All that the point needs is there: it was deleted all the same.
                world.backend.put(tombstone_name(world.digest), {});
            }
            if (meanwhile == Completed || meanwhile == Deleted) {
                world.backend.put(sleeper, {});
                world.backend.put(completion, {});
                return;
            }
            world.backend.put(lost_ticket_name(session.id()), {});
            if (meanwhile == LostAndCondemned) {
                put_generation(world.repository, {world.packs[0]}, world.clock.now(), world.random);
            }
            if (meanwhile == LostAndCollected) {
                world.backend.remove(pack_name(world.packs[0]));
            }
        };
        if (meanwhile == Completed || meanwhile == Lost) {
            world.commit(session);
            CHECK(world.has_point());
        } else {
            CHECK(error_code_of([&] { world.commit(session); }) == ErrorCode::Incomplete);
            CHECK_FALSE(world.has_point());
            session.end();
        }
        CHECK(world.list("sessions").empty());
        if (meanwhile == Completed || meanwhile == Deleted) {
            CHECK(world.list("completes") == std::vector<std::string>{completion});
        }
    }
}

TEST_CASE("session: who sleeps behind its point takes it back only when it was deleted") {
    // A forget that cannot read the ticket leaves the session.
    for (const auto& [is_deleted, is_session_there] :
         {std::pair(false, false), {true, false}, {true, true}}) {
        INFO(is_deleted << ' ' << is_session_there);
        World world;
        std::optional<Session> session(std::in_place, world.repository, world.random, world.clock);
        world.backend.behind_point = [&] {
            if (!is_session_there) {
                world.remove(session->id());
            }
            // What it holds was copied into other packs.
            world.backend.remove(pack_name(world.packs[0]));
            if (is_deleted) {
                world.backend.put(tombstone_name(world.digest), {});
                world.backend.put(sleeper_name(world.digest, std::string(32, 'a')), {});
            }
        };
        if (is_deleted) {
            CHECK(error_code_of([&] { world.commit(*session); }) == ErrorCode::Incomplete);
        } else {
            world.commit(*session);
        }
        CHECK(world.has_point() == !is_deleted);
        session.reset();
        CHECK(world.list("sessions").empty());
        CHECK(world.list("completes").empty());
    }
}

TEST_CASE("session: what it cannot clean up behind its point is no failure of the run") {
    World world;
    Session session(world.repository, world.random, world.clock);
    world.backend.behind_point = [&] { world.backend.can_remove = false; };
    world.commit(session);
    CHECK(world.has_point());
    CHECK_FALSE(world.list("sessions").empty());
}

TEST_CASE("session: its end is decided once") {
    World world;
    Session session(world.repository, world.random, world.clock);
    const auto name = point_name(world.clock.now(), world.digest);
    CHECK(put_session_end(world.repository, session.id(), {name, world.point}, world.random));
    CHECK_FALSE(put_session_end(world.repository, session.id(), {}, world.random));
    const auto end = find_session_end(world.repository, session.id());
    REQUIRE(end);
    CHECK(end->point_name == name);
    CHECK(end->point == world.point);
    CHECK_FALSE(find_session_end(world.repository, std::string(32, '0')));
}

TEST_CASE("session: records of one blob do not pass for another's") {
    World world;
    Session session(world.repository, world.random, world.clock);
    const std::string other(32, 'a');
    const auto blob = world.backend.get(session_name(session.id()));
    CHECK(decode_session(world.repository, blob, session.id()).id == session.id());
    CHECK(error_code_of([&] { decode_session(world.repository, blob, other); }) ==
          ErrorCode::CorruptData);
    CHECK(error_code_of([&] { decode_session_end(world.repository, blob, session.id()); }) ==
          ErrorCode::CorruptData);
    CHECK(error_code_of([&] { decode_generation(world.repository, blob, session.id()); }) ==
          ErrorCode::CorruptData);
    const auto generation =
        put_generation(world.repository, {world.packs[1]}, world.clock.now(), world.random);
    const auto condemned = world.backend.get(generation_name(generation.id));
    CHECK(decode_generation(world.repository, condemned, generation.id).packs == generation.packs);
    CHECK(error_code_of([&] { decode_generation(world.repository, condemned, other); }) ==
          ErrorCode::CorruptData);
}

TEST_CASE("session: a damaged one is still seen, and knows nothing") {
    World world;
    Session session(world.repository, world.random, world.clock);
    const auto whole = world.backend.get(session_name(session.id()));
    for (std::size_t at = 0; at < whole.size(); ++at) {
        INFO("byte " << at);
        auto blob = whole;
        blob[at] ^= std::byte{1};
        world.replace(session_name(session.id()), blob);
        const auto states = list_sessions(world.repository);
        REQUIRE(states.size() == 1);
        CHECK(states[0].is_begun);
        CHECK(states[0].record.id == session.id());
        CHECK(states[0].record.knows.empty());
    }
}

TEST_CASE("hold: set, listed, released; not without a point") {
    World world;
    Session session(world.repository, world.random, world.clock);
    world.commit(session);
    const auto id = to_hex(world.digest);
    put_hold(world.repository, {id, "audit", "host-1", world.clock.now()}, world.random);
    put_hold(world.repository, {id, "again", "host-2", world.clock.now()}, world.random);
    CHECK(list_held_points(world.repository) == std::vector<std::string>{id});
    const auto holds = list_holds(world.repository);
    REQUIRE(holds.size() == 1);
    CHECK(holds[0].reason == "audit");
    CHECK(holds[0].host == "host-1");
    remove_hold(world.repository, id);
    remove_hold(world.repository, id);
    CHECK(list_held_points(world.repository).empty());

    const std::string nobody(64, 'b');
    CHECK(error_code_of([&] {
              put_hold(world.repository, {nobody, "", "", world.clock.now()}, world.random);
          }) == ErrorCode::PointNotFound);
    CHECK(world.list("holds").empty());
    CHECK(error_code_of([&] { remove_hold(world.repository, "../x"); }) ==
          ErrorCode::InvalidArgument);
}

TEST_CASE("hold: one that cannot be read is listed with the others, whatever is wrong with it") {
    World world;
    Session session(world.repository, world.random, world.clock);
    world.commit(session);
    const auto id = to_hex(world.digest);
    put_hold(world.repository, {id, "audit", "host-1", world.clock.now()}, world.random);
    const std::string other(64, 'f');
    const auto other_name = hold_name(content::parse_digest(other));
    const auto json = Json::object({{"version", 1},
                                    {"point", other},
                                    {"reason", "keep"},
                                    {"host", "host-2"},
                                    {"made", format_rfc3339(world.clock.now())}});
    const auto whole = encode_record(world.repository, BlobKind::Hold, json, world.random);
    world.backend.put(other_name, whole);
    REQUIRE(list_holds(world.repository).at(1).reason == "keep");
    const auto check = [&](const Repository& repository) {
        const auto holds = list_holds(repository);
        REQUIRE(holds.size() == 2);
        CHECK(holds[0].reason == "audit");
        CHECK(holds[1].point == other);
        CHECK(holds[1].host.empty());
        return holds[1].reason;
    };

    std::set<std::string> reasons;
    for (std::size_t at = 0; at < whole.size(); ++at) {
        INFO("byte " << at);
        auto blob = whole;
        blob[at] ^= std::byte{1};
        world.replace(other_name, blob);
        reasons.insert(check(world.repository));
    }
    // A version or a feature of the future, by its header.
    CHECK(reasons == std::set<std::string>{"(cannot be read)", "(damaged)"});

    world.replace(other_name, whole);
    SpoiledBackend disk(world.backend);
    disk.spoil(other_name, 100, 10);
    CHECK(check(open_tiny_repository(disk, world.key)) == "(cannot be read)");
}

TEST_CASE(
    "session: one that cannot read what is condemned leaves nothing, also when it begins anew") {
    World world;
    Session session(world.repository, world.random, world.clock);
    const auto id = put_generation(world.repository, {}, world.clock.now(), world.random).id;
    const auto name = generation_name(id);
    auto bytes = world.backend.get(name);
    bytes.back() ^= std::byte{1};
    world.replace(name, bytes);
    const auto error = error_of([&] { Session(world.repository, world.random, world.clock); });
    CHECK(error.code() == ErrorCode::CorruptData);
    CHECK(error.hint().find("repo repair") != std::string_view::npos);
    REQUIRE(world.list("sessions") == std::vector<std::string>{session_name(session.id())});

    world.expire(session.id());
    CHECK(error_code_of([&] { world.commit(session); }) == ErrorCode::CorruptData);
    session.end();
    CHECK(world.list("sessions").empty());
    CHECK_FALSE(world.has_point());
}

TEST_CASE("session: a record whose place another has taken counts no more") {
    World world;
    const auto put = [&](std::vector<content::Digest> packs, std::vector<std::string> replaces) {
        return put_generation(
            world.repository, std::move(packs), world.clock.now(), world.random, replaces);
    };
    const auto damaged = put({world.packs[0]}, {}).id;
    auto bytes = world.backend.get(generation_name(damaged));
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        INFO("byte " << at);
        bytes[at] ^= std::byte{0x10};
        world.replace(generation_name(damaged), bytes);
        std::vector<std::string> told;
        CHECK(list_generations(world.repository, [&](const std::string& blob, const Error& error) {
                  told.push_back(blob);
                  CHECK(is_damaged_record(world.repository, blob, error));
              }).empty());
        CHECK(told == std::vector{generation_name(damaged)});
        CHECK(error_of([&] { list_generations(world.repository); }).hint().find("repo repair") !=
              std::string_view::npos);
        bytes[at] ^= std::byte{0x10};
    }
    bytes.back() ^= std::byte{1};
    world.replace(generation_name(damaged), bytes);
    put({world.packs[1]}, {damaged});
    const auto generations = list_generations(world.repository);
    REQUIRE(generations.size() == 1);
    CHECK(generations[0].replaces == std::vector{damaged});
    Session session(world.repository, world.random, world.clock);
    CHECK_FALSE(session.is_condemned(world.packs[0]));
    CHECK(session.is_condemned(world.packs[1]));
}

TEST_CASE("session: a record can only name records in whose place it is") {
    World world;
    put_generation(world.repository, {}, world.clock.now(), world.random, {"../config"});
    CHECK(error_code_of([&] { list_generations(world.repository); }) == ErrorCode::CorruptData);
}
