// SPDX-License-Identifier: Apache-2.0
// Everything that may happen to the bytes of a blob (tests/fault/byte_classes.hpp), for each kind
// of blob: verify names the blob, and a reader gets the right bytes or an Error, never other bytes.
// What verify cannot name stands in kExceptions, with the reason.
#include "core/base/text.hpp"
#include "core/maintenance/checks.hpp"
#include "core/maintenance/verify.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/config.hpp"
#include "core/repository/gc_generation.hpp"
#include "core/repository/hold.hpp"
#include "core/repository/keys.hpp"
#include "core/repository/parity.hpp"
#include "core/repository/sealed_blob.hpp"
#include "core/repository/session_store.hpp"
#include "tests/fault/byte_classes.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/test_repository.hpp"

#include <map>
#include <optional>

using namespace backup;
using namespace backup::maintenance;
using namespace backup::repository;
using namespace backup::testing;

namespace {

enum class Outcome {
    Named,     // verify, or opening the repository, tells the name of the blob
    Found,     // ... tells that something is wrong
    Harmless,  // nothing is wrong: every point that is listed is read bit for bit
};

struct Exception {
    std::string_view prefix;
    std::optional<Manner> manner;  // nothing: any
    Outcome outcome;
    std::string_view reason;
};

constexpr Exception kExceptions[] = {
    {"config", Manner::Removed, Outcome::Found, "without it there is no repository, as it says"},
    {"config", Manner::RolledBack, Outcome::Harmless, "says the same; it is written only once"},
    {"keys/", Manner::Removed, Outcome::Harmless, "another slot opens the repository"},
    {"index/", Manner::Removed, Outcome::Found, "only the chunks it led to are missed"},
    {"points/", Manner::Removed, Outcome::Found, "its hold misses it; else forget does the same"},
    {"sessions/", Manner::Removed, Outcome::Harmless, "it looks like one that has ended"},
    {"gc/", Manner::Removed, Outcome::Harmless, "then nothing is collected"},
    {"holds/", Manner::Removed, Outcome::Harmless, "that is what ending a hold does"},
    {"checks/", Manner::Removed, Outcome::Harmless, "packs are read again sooner"},
    {"parity/", Manner::Removed, Outcome::Harmless, "the pack itself is whole"},
};

Outcome expected_of(const std::string& name, Manner manner) {
    for (const auto& exception : kExceptions) {
        if (name.starts_with(exception.prefix) && manner == exception.manner.value_or(manner)) {
            return exception.outcome;
        }
    }
    return Outcome::Named;
}

constexpr ScryptCost kCheapest{15, 8, 1};

/// At least two genuine blobs of each kind.
struct World {
    World() {
        second_key = {key.repository, as_secret(random.bytes(32))};
        const auto slots = list("keys");
        const auto master = unwrap_with_key_file(slots.front().bytes, key);
        for (const auto& slot :
             {wrap_with_key_file(master, second_key, random),
              wrap_with_passphrase(master, key.repository, "one", kCheapest, random),
              wrap_with_passphrase(master, key.repository, "other", kCheapest, random)}) {
            backend.put(slot_name(slot), slot);
        }
        for (int i = 0; i < 3; ++i) {
            clock.advance(std::chrono::hours(1));
            auto files = some_files(random);
            const auto repository = open_tiny_repository(backend, key);
            const auto record = write_point(repository, concat("point", i), files, random, clock);
            files_of.emplace(record.point.id, std::move(files));
        }
        older_config = make_older_config();
        add_records(open_tiny_repository(backend, key));
    }

    /// Two of each of the small blobs beside the points.
    void add_records(const Repository& repository) {
        for (int i = 0; i < 2; ++i) {
            clock.advance(std::chrono::hours(1));
            content::Digest pack{};
            random.fill(pack);
            put_generation(repository, {pack}, clock.now(), random);
            SessionRecord session;
            session.id = to_hex(random.bytes(16));
            session.started = clock.now();
            const auto sign = encode_session(repository, session, random);
            backend.put(session_name(session.id), sign);
            backend.put(session_beat_name(session.id, 7), sign);
            const auto point = list("points").at(static_cast<std::size_t>(i));
            REQUIRE(put_session_end(repository, session.id, {point.name, point.bytes}, random));
            Checks checks;
            checks.packs[pack] = {clock.now(), true};
            const auto encoded = encode_checks(repository, checks, random);
            backend.put(checks_name(clock.now(), content::sha256(encoded)), encoded);
        }
        for (const auto& [id, files] : files_of) {
            put_hold(repository, {id, "kept", "host", clock.now()}, random);
        }
        for (const auto& blob : list("packs")) {
            ParityMaker maker;
            maker.update(blob.bytes);
            const auto digest = content::sha256(blob.bytes);
            backend.put(parity_name(digest), maker.finish(digest));
        }
    }

    static SecretKey as_secret(const Bytes& bytes) {
        SecretKey secret{};
        std::copy(bytes.begin(), bytes.end(), secret.begin());
        return secret;
    }

    Bytes make_older_config() {
        const auto repository = open_tiny_repository(backend, key);
        FakeClock before("2020-01-01T00:00:00Z");
        return encode_config(
            repository.id(), repository.keys(), repository.parameters(), before.now(), random);
    }

    /// With the second key where the first one's slot is gone.
    Repository open() {
        try {
            return open_tiny_repository(backend, key);
        } catch (const Error& error) {
            if (!list("keys").empty() && backend.exists("config")) {
                return open_tiny_repository(backend, second_key);
            }
            throw Error(error);
        }
    }

    std::vector<NamedBlob> list(std::string_view folder) {
        std::vector<NamedBlob> blobs;
        backend.list(folder, [&](const auto& info) {
            blobs.push_back({info.name, backend.get(info.name)});
        });
        return blobs;
    }

    /// Blobs by kind; packs of data and of metadata are two.
    std::map<std::string, std::vector<NamedBlob>> list_kinds() {
        std::map<std::string, std::vector<NamedBlob>> kinds;
        kinds["config"] = {{"config", older_config}, {"config", backend.get("config")}};
        for (const auto* folder : {"index", "points", "gc", "holds", "checks", "parity"}) {
            kinds[folder] = list(folder);
        }
        for (auto& slot : list("keys")) {
            const bool is_key_file = slot_method(slot.bytes) == SlotMethod::KeyFile;
            kinds[is_key_file ? "key files" : "passphrases"].push_back(std::move(slot));
        }
        for (auto& blob : list("sessions")) {
            const auto role = find_session_name(blob.name).value().role;
            kinds[role == SessionBlob::Base   ? "sessions"
                  : role == SessionBlob::Beat ? "signs of life"
                                              : "tickets"]
                .push_back(std::move(blob));
        }
        for (auto& pack : list("packs")) {
            const auto kind = decode_header(pack.bytes, pack.name).kind;
            kinds[kind == BlobKind::DataPack ? "data packs" : "metadata packs"].push_back(
                std::move(pack));
        }
        return kinds;
    }

    SeededRandom random;
    FakeClock clock;
    backend::MemoryBackend backend;
    KeyFile key = init_tiny_repository(backend, random, clock);
    KeyFile second_key;
    std::map<std::string, Files> files_of;  // by the point's id
    Bytes older_config;
};

bool is_honest(const Error& error) {
    return error.code() == ErrorCode::CorruptData || error.code() == ErrorCode::UnknownFormat ||
           error.code() == ErrorCode::WrongKey || error.code() == ErrorCode::NoRepository;
}

/// What verify finds, or why the repository does not open.
std::string verify_text(World& world) {
    std::string text;
    try {
        NullProgress progress;
        const auto repository = world.open();
        const VerifyOptions options{.level = VerifyLevel::ReadData, .threads = 1};
        const auto result = verify_repository(repository, options, progress);
        for (const auto* found : {&result.problems, &result.warnings}) {
            for (const auto& problem : *found) {
                text += concat(problem.subject, ": ", problem.message, "\n");
            }
        }
    } catch (const Error& error) {
        CHECK(is_honest(error));
        text = error.what();
    }
    return text;
}

/// Reads every point that is listed; returns how many were read in full.
std::size_t read_points(World& world) {
    std::size_t read = 0;
    try {
        const auto repository = world.open();
        const auto points = list_points(
            repository, [](const std::string&, const Error& error) { CHECK(is_honest(error)); });
        for (const auto& point : points) {
            try {
                const bool is_same =
                    read_files(repository, point) == world.files_of.at(point.point.id);
                CHECK(is_same);
                ++read;
            } catch (const Error& error) {
                CHECK(is_honest(error));
            }
        }
    } catch (const Error& error) {
        CHECK(is_honest(error));
    }
    return read;
}

void check_damage(World& world, const NamedBlob& blob, const Damage& damage) {
    INFO(blob.name << " " << damage.what);
    world.backend.remove(blob.name);
    if (damage.left) {
        world.backend.put(blob.name, *damage.left);
    }
    const auto text = verify_text(world);
    const auto read = read_points(world);
    switch (expected_of(blob.name, damage.manner)) {
        case Outcome::Named:
            CHECK_THAT(text, contains(blob.name));
            break;
        case Outcome::Found:
            CHECK_FALSE(text.empty());
            break;
        case Outcome::Harmless:
            CHECK(text == "");
            CHECK(read == world.files_of.size());
            break;
    }
    world.backend.remove(blob.name);
    world.backend.put(blob.name, blob.bytes);
}

std::size_t check_blob(World& world,
                       const NamedBlob& blob,
                       const std::vector<NamedBlob>& of_its_kind) {
    const auto damages = damages_of(blob, of_its_kind);
    for (const auto& damage : damages) {
        check_damage(world, blob, damage);
    }
    return damages.size();
}

/// What one session says of itself under two names is the same: its id.
bool are_of_one_session(const std::string& left, const std::string& right) {
    const auto one = find_session_name(left);
    const auto other = find_session_name(right);
    return one && other && one->id == other->id;
}

/// A genuine blob of each other kind under the name of this one.
std::size_t check_strangers(World& world,
                            const std::map<std::string, std::vector<NamedBlob>>& kinds,
                            const std::string& kind) {
    const auto& blob = kinds.at(kind).back();
    for (const auto& [other, blobs] : kinds) {
        if (other != kind) {
            const auto& stranger =
                are_of_one_session(blob.name, blobs.back().name) ? blobs.front() : blobs.back();
            check_damage(
                world,
                blob,
                {Manner::OfOtherKind, concat("replaced by ", stranger.name), stranger.bytes});
        }
    }
    return kinds.size() - 1;
}

/// Both are genuine and hold the bytes of the other.
void check_exchange(World& world, const NamedBlob& left, const NamedBlob& right) {
    INFO("exchanged " << left.name << " and " << right.name);
    for (const auto& [name, bytes] :
         {std::pair(left.name, right.bytes), std::pair(right.name, left.bytes)}) {
        world.backend.remove(name);
        world.backend.put(name, bytes);
    }
    const auto text = verify_text(world);
    if (expected_of(left.name, Manner::Swapped) == Outcome::Named) {
        CHECK_THAT(text, contains(left.name));
        CHECK_THAT(text, contains(right.name));
    }
    read_points(world);
    for (const auto* blob : {&left, &right}) {
        world.backend.remove(blob->name);
        world.backend.put(blob->name, blob->bytes);
    }
}

}  // namespace

TEST_CASE("every class of bytes belongs to a blob's bytes exactly once") {
    World world;
    for (const auto& [kind, blobs] : world.list_kinds()) {
        INFO(kind);
        REQUIRE(blobs.size() >= 2);
        for (const auto& blob : blobs) {
            std::size_t at = 0;
            for (const auto& part : classes_of(blob.name, blob.bytes)) {
                CHECK(part.begin == at);
                CHECK(part.end > part.begin);
                at = part.end;
            }
            CHECK(at == blob.bytes.size());
        }
    }
}

TEST_CASE("whatever happens to the bytes of a blob is found and named") {
    World world;
    REQUIRE(verify_text(world).empty());
    REQUIRE(read_points(world) == 3);
    const auto kinds = world.list_kinds();
    const auto kind = GENERATE("config",
                               "key files",
                               "passphrases",
                               "data packs",
                               "metadata packs",
                               "index",
                               "points",
                               "gc",
                               "holds",
                               "checks",
                               "sessions",
                               "signs of life",
                               "tickets",
                               "parity");
    INFO(kind);
    const auto& blobs = kinds.at(kind);
    std::size_t count = check_blob(world, blobs.back(), blobs);
    if (std::string_view(kind) != "config") {
        count += check_blob(world, blobs.front(), blobs);
        check_exchange(world, blobs.front(), blobs.back());
    }
    count += check_strangers(world, kinds, kind);
    CHECK(count > 70);
    CHECK(verify_text(world).empty());
    CHECK(read_points(world) == 3);
}
