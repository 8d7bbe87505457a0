// SPDX-License-Identifier: Apache-2.0
// forget, delete, hold and prune, on a real repository in a directory.
#include "core/base/json.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_cli.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/temp_dir.hpp"

#include <filesystem>

using namespace backup;
using backup::testing::CliResult;
using backup::testing::contains;
using backup::testing::TempDir;

namespace {

struct Desk {
    Desk() { surroundings.environment["HOME"] = (directory / "home").string(); }

    CliResult run(const std::vector<std::string>& words) const {
        return testing::run_cli(words, surroundings);
    }

    /// A point of fresh content.
    CliResult import(const std::string& name, const std::vector<std::string>& more = {}) {
        directory.write("src/file", std::string(as_text(random.bytes(300'000))));
        std::vector<std::string> words = {
            "import", "directory", (directory / "src").string(), "--as", "shop/data-0"};
        if (!name.empty()) {
            words.insert(words.end(), {"--name", name});
        }
        words.insert(words.end(), more.begin(), more.end());
        return run(words);
    }

    std::size_t count_points() const {
        return parse_json(run({"list", "-o", "json"}).out).find("items")->items().size();
    }

    std::uint64_t stored_bytes() const {
        std::uint64_t bytes = 0;
        const auto packs = directory / "home/.local/share/kubectl-backup/repository/packs";
        for (const auto& entry : std::filesystem::recursive_directory_iterator(packs)) {
            bytes += entry.is_regular_file() ? entry.file_size() : 0;
        }
        return bytes;
    }

    TempDir directory;
    testing::SeededRandom random{5};
    testing::CliSurroundings surroundings;
};

}  // namespace

TEST_CASE("names of points are unique") {
    Desk desk;
    REQUIRE(desk.import("first").exit_code == 0);
    const auto again = desk.import("first");
    CHECK(again.exit_code == 1);
    CHECK_THAT(again.err, contains("already"));
    // Those that we make up differ, even within a second.
    REQUIRE(desk.import("").exit_code == 0);
    const auto second = desk.import("");
    CHECK(second.exit_code == 0);
    CHECK_THAT(second.out, contains("-2 created"));
    CHECK(desk.count_points() == 3);
}

TEST_CASE("forget without a rule removes nothing") {
    Desk desk;
    REQUIRE(desk.import("first").exit_code == 0);
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"forget"},
          {"forget", "--keep-last", "0"},
          {"forget", "--keep-min-good", "3"},
          {"forget", "--keep-last", "some"},
          {"forget", "--keep-within", "7"},
          {"forget", "--keep-last", "1", "--group-by", "x"}}) {
        CHECK(desk.run(words).exit_code == 2);
    }
    CHECK_THAT(desk.run({"forget"}).err, contains("hint: for example --keep-daily 7"));
    CHECK(desk.count_points() == 1);
}

TEST_CASE("forget tells why each point stays or goes, first without doing it") {
    Desk desk;
    for (const auto* name : {"one", "two", "three"}) {
        REQUIRE(desk.import(name).exit_code == 0);
    }
    const auto shown = desk.run({"forget", "--keep-last", "1", "--dry-run"});
    CHECK(shown.exit_code == 0);
    CHECK_THAT(shown.out, contains("DECISION"));
    CHECK_THAT(shown.out, contains("last 1"));
    CHECK_THAT(shown.out, contains("would forget"));
    CHECK_THAT(shown.out, contains("no rule"));
    CHECK_THAT(shown.err, contains("would forget 2 of 3 points (dry run)"));
    CHECK(desk.count_points() == 3);
    const auto foreseen = parse_json(
        desk.run({"forget", "--keep-last", "1", "--prune", "--dry-run", "-o", "json"}).out);
    CHECK(foreseen.integer_at({"prune", "bytesCondemned"}) > 500'000);
    CHECK_THAT(desk.run({"delete", "one", "--prune", "--dry-run"}).err, contains("would remove"));
    CHECK(desk.count_points() == 3);

    const auto before = desk.stored_bytes();
    const auto done =
        desk.run({"forget", "--keep-last", "1", "--prune", "--grace", "0", "-o", "json"});
    REQUIRE(done.exit_code == 0);
    const auto record = parse_json(done.out);
    CHECK(record.text_at({"kind"}) == "Forgetting");
    CHECK(record.find("points")->items().size() == 3);
    CHECK(record.integer_at({"prune", "bytesRemoved"}) > 500'000);
    CHECK(desk.count_points() == 1);
    CHECK(desk.stored_bytes() + 500'000 < before);
    CHECK(desk.run({"verify", "--read-data"}).exit_code == 0);
}

TEST_CASE("forget: each flag is its own rule") {
    Desk desk;
    REQUIRE(desk.import("one").exit_code == 0);
    for (const std::string rule : {"last", "hourly", "daily", "weekly", "monthly", "yearly"}) {
        const auto shown =
            desk.run({"forget", "--keep-" + rule, "1", "--keep-min-good", "0", "--dry-run"});
        CHECK(shown.exit_code == 0);
        CHECK_THAT(shown.out, contains(rule + " 1"));
    }
    // The tag is not there, and the period goes back from the newest point.
    CHECK_THAT(desk.run({"forget", "--keep-tag", "x", "--keep-min-good", "0", "--dry-run"}).out,
               contains("no rule"));
    CHECK_THAT(desk.run({"forget", "--keep-within", "3d", "--dry-run"}).out, contains("within"));
}

TEST_CASE("forget judges only the points it was asked about") {
    Desk desk;
    REQUIRE(desk.import("old", {"--tag", "stage=test"}).exit_code == 0);
    REQUIRE(desk.import("new", {"--tag", "stage=test"}).exit_code == 0);
    REQUIRE(desk.import("other").exit_code == 0);
    CHECK(desk.run({"forget", "--keep-last", "1", "-n", "nobody"}).exit_code == 0);
    CHECK(desk.count_points() == 3);
    CHECK(desk.run({"forget", "--keep-last", "1", "--tag", "stage=test"}).exit_code == 0);
    CHECK(desk.count_points() == 2);
    CHECK_THAT(desk.run({"list"}).out, contains("other"));
}

TEST_CASE("delete removes what is named, all or nothing") {
    Desk desk;
    for (const auto* name : {"one", "two", "three"}) {
        REQUIRE(desk.import(name).exit_code == 0);
    }
    const auto typo = desk.run({"delete", "one", "tow"});
    CHECK(typo.exit_code == 1);
    CHECK_THAT(typo.err, contains("two"));
    CHECK(desk.count_points() == 3);
    const auto dry = desk.run({"delete", "one", "--dry-run"});
    CHECK(dry.out == "recoverypoint/one would be deleted (dry run)\n");
    CHECK(desk.count_points() == 3);
    const auto done = desk.run({"delete", "one", "recoverypoint/two", "one"});
    CHECK(done.out == "recoverypoint/one deleted\nrecoverypoint/two deleted\n");
    CHECK(desk.count_points() == 1);
    CHECK(desk.run({"delete"}).exit_code == 2);
}

TEST_CASE("a point under hold stays until it is released") {
    Desk desk;
    REQUIRE(desk.import("one").exit_code == 0);
    REQUIRE(desk.import("two", {"--hold=audit 2026"}).exit_code == 0);
    CHECK_THAT(desk.run({"hold"}).out, contains("audit 2026"));
    CHECK(desk.run({"hold", "one", "--reason", "why not"}).out == "recoverypoint/one held\n");
    const auto refused = desk.run({"delete", "one", "two"});
    CHECK(refused.exit_code != 0);
    CHECK_THAT(refused.err, contains("hold"));
    const auto kept = desk.run({"forget", "--keep-tag", "nothing", "--keep-min-good", "0"});
    CHECK(kept.exit_code == 0);
    CHECK_THAT(kept.out, contains("hold"));
    CHECK(desk.count_points() == 2);
    CHECK(desk.run({"hold", "two", "--release"}).out == "recoverypoint/two released\n");
    CHECK(desk.run({"delete", "two"}).exit_code == 0);
    CHECK(desk.count_points() == 1);
    CHECK(desk.run({"hold", "--release"}).exit_code == 2);
}

TEST_CASE("a point that cannot be read is deleted by its id") {
    Desk desk;
    REQUIRE(desk.import("one").exit_code == 0);
    REQUIRE(desk.import("two").exit_code == 0);
    const auto points = desk.directory / "home/.local/share/kubectl-backup/repository/points";
    const auto path = std::filesystem::directory_iterator(points)->path();
    const auto id = path.filename().string().substr(17);
    std::filesystem::remove(path);
    desk.directory.write(
        "home/.local/share/kubectl-backup/repository/points/" + path.filename().string(), "x");
    CHECK(desk.run({"prune"}).exit_code == 13);
    CHECK(desk.run({"delete", id.substr(0, 10)}).exit_code == 0);
    CHECK(desk.run({"prune", "--grace", "0"}).exit_code == 0);
    CHECK(desk.run({"verify"}).exit_code == 0);
    CHECK(desk.count_points() == 1);
}

TEST_CASE("prune says what it would do, does it, and never empties a repository unasked") {
    Desk desk;
    REQUIRE(desk.import("one").exit_code == 0);
    REQUIRE(desk.import("two").exit_code == 0);
    REQUIRE(desk.run({"delete", "one"}).exit_code == 0);
    const auto before = desk.stored_bytes();
    CHECK_THAT(desk.run({"prune", "--dry-run"}).err, contains("would remove"));
    CHECK(desk.stored_bytes() == before);
    const auto done = desk.run({"prune", "--grace", "0", "-o", "json"});
    REQUIRE(done.exit_code == 0);
    const auto record = parse_json(done.out);
    CHECK(record.text_at({"kind"}) == "Pruning");
    CHECK(record.integer_at({"bytesRemoved"}) > 250'000);
    CHECK(desk.stored_bytes() + 250'000 < before);
    CHECK(desk.run({"verify", "--read-data"}).exit_code == 0);

    REQUIRE(desk.run({"delete", "two"}).exit_code == 0);
    const auto empty = desk.run({"prune", "--grace", "0"});
    CHECK(empty.exit_code == 2);
    CHECK_THAT(empty.err, contains("--to-nothing"));
    CHECK(desk.stored_bytes() > 250'000);
    CHECK(desk.run({"prune", "--grace", "0", "--to-nothing"}).exit_code == 0);
    CHECK(desk.stored_bytes() == 0);
    CHECK(desk.run({"prune", "--repack-below", "101"}).exit_code == 2);
}
