// SPDX-License-Identifier: Apache-2.0
// What keeps a repository whole (sessions, holds, condemned packs, checks, parity) was written by
// an earlier version, and is understood.
#include "core/backend/directory_backend.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/maintenance/checks.hpp"
#include "core/maintenance/healing.hpp"
#include "core/maintenance/prune.hpp"
#include "core/maintenance/verify.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/completion_name.hpp"
#include "core/repository/gc_generation.hpp"
#include "core/repository/hold.hpp"
#include "core/repository/session_store.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/test_repository.hpp"

#include <algorithm>
#include <filesystem>

using namespace backup;
using namespace backup::maintenance;
using namespace backup::repository;
using namespace backup::testing;

namespace {

std::filesystem::path copy_golden(const TempDir& directory) {
    auto copy = directory / "repository";
    std::filesystem::copy(std::filesystem::path(BACKUP_GOLDEN_DIR) / "care-v1",
                          copy,
                          std::filesystem::copy_options::recursive);
    return copy;
}

/// A copy that may be changed.
struct Care {
    std::vector<std::string> list(std::string_view folder) {
        std::vector<std::string> names;
        backend.list(folder, [&names](const auto& info) { names.push_back(info.name); });
        std::sort(names.begin(), names.end());
        return names;
    }

    TempDir directory;
    backend::DirectoryBackend backend{copy_golden(directory)};
    Repository repository = open_tiny_repository(
        backend,
        parse_key_file(as_text(read_file(std::string(BACKUP_GOLDEN_DIR) + "/care-v1.key"))));
    FakeClock clock;
    SeededRandom random;
    NullProgress progress;
    const std::string session = std::string(32, 'a');
    const TimePoint made = parse_rfc3339("2026-11-20T10:00:00Z");
};

}  // namespace

TEST_CASE("care-v1: a session, its ticket, and what it knows") {
    Care care;
    const auto sessions = list_sessions(care.repository);
    REQUIRE(sessions.size() == 1);
    const auto& record = sessions[0].record;
    CHECK(record.id == care.session);
    CHECK(record.host == "host");
    CHECK(record.pid == 7);
    CHECK(record.started == care.made);
    CHECK(record.knows == list_generation_ids(care.repository));
    CHECK(sessions[0].is_begun);
    const auto end = find_session_end(care.repository, care.session);
    REQUIRE(end);
    CHECK(end->point_name == care.list("points").at(0));
    CHECK(end->point == care.backend.get(end->point_name));
}

TEST_CASE("care-v1: condemned packs, and a hold") {
    Care care;
    const auto generations = list_generations(care.repository);
    REQUIRE(generations.size() == 1);
    CHECK(generations[0].packs == std::vector{content::sha256(as_bytes("gone"))});
    CHECK(generations[0].made == care.made);
    const auto holds = list_holds(care.repository);
    REQUIRE(holds.size() == 1);
    CHECK(holds[0].reason == "audit");
    CHECK(holds[0].host == "host");
    CHECK(holds[0].made == care.made);
    CHECK(list_held_points(care.repository) == std::vector{holds[0].point});
}

TEST_CASE("care-v1: what verify remembers, and parity that heals") {
    Care care;
    const auto checks = load_checks(care.repository);
    const auto packs = list_present_packs(care.repository);
    REQUIRE(checks.packs.size() == packs.size());
    CHECK(checks.points.size() == 1);
    for (const auto& pack : packs) {
        CHECK(checks.packs.at(pack) == Check{care.made, true});
        const auto blob = care.backend.get(pack_name(pack));
        care.backend.remove(pack_name(pack));
        CHECK(heal_pack(care.repository, pack).pack == blob);
        care.backend.put(pack_name(pack), blob);
    }
    CHECK(verify_repository(care.repository, {.level = VerifyLevel::ReadData}, care.progress)
              .problems.empty());
}

TEST_CASE("care-v1: the marks of those who put and remove points") {
    Care care;
    const auto point = find_point_name(care.list("points").at(0)).value().digest;
    const auto completes = care.list("completes");
    CHECK(completes ==
          std::vector{completion_name(point, care.session), sleeper_name(point, care.session)});
    CHECK(care.list("forgets").size() == 2);
    // A ticket of nobody, a tombstone of nobody: both end with the next prune, and nothing else.
    prune_repository(care.repository,
                     {.session_timeout = std::chrono::nanoseconds(0)},
                     {care.clock, care.random, care.progress, {}});
    CHECK(list_sessions(care.repository).empty());
    CHECK(care.list("forgets") == std::vector{forget_notice_name(point, care.session)});
    CHECK(care.list("gc").empty());
    CHECK(care.list("points").size() == 1);
}
