// SPDX-License-Identifier: Apache-2.0
// What verify remembers of a point shows wherever the point does, on a real repository.
#include "core/base/bytes.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/json.hpp"
#include "core/repository/sealed_blob.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_cli.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/temp_dir.hpp"

#include <filesystem>
#include <optional>
#include <set>

using namespace backup;
using backup::testing::CliResult;
using backup::testing::contains;
using backup::testing::TempDir;

namespace fs = std::filesystem;

namespace {

/// Two points with content of their own. The second has lost its file as soon as somebody looks.
struct Desk {
    Desk() {
        surroundings.environment["HOME"] = (directory / "home").string();
        import("whole");
        const auto before = list_data_packs();
        import("torn");
        for (const auto& pack : list_data_packs()) {
            if (!before.contains(pack)) {
                fs::remove(pack);
            }
        }
    }

    CliResult run(const std::vector<std::string>& words) const {
        return testing::run_cli(words, surroundings);
    }

    void import(const std::string& name) {
        directory.write("src/file", std::string(as_text(random.bytes(20'000))));
        const auto source = (directory / "src").string();
        REQUIRE(
            run({"import", "directory", source, "--as", "shop/data-0", "--name", name}).exit_code ==
            0);
    }

    fs::path repository() const {
        return directory / "home/.local/share/kubectl-backup/repository";
    }

    std::set<fs::path> list_data_packs() const {
        std::set<fs::path> packs;
        for (const auto& file : fs::recursive_directory_iterator(repository() / "packs")) {
            constexpr std::size_t kKindAt = 4;
            if (file.is_regular_file() &&
                read_file(file, 1U << 20U).at(kKindAt) ==
                    static_cast<std::byte>(repository::BlobKind::DataPack)) {
                packs.insert(file.path());
            }
        }
        return packs;
    }

    /// The record of the point in the list.
    Json listed(const std::string& name) const {
        const auto list = parse_json(run({"list", "-o", "json"}).out);
        for (const auto& item : list.find("items")->items()) {
            if (item.text_at({"name"}) == name) {
                return item;
            }
        }
        return {};
    }

    std::string names(const std::string& status) const {
        return run({"list", "--status", status, "-o", "name"}).out;
    }

    /// What standard error has when something of the point is given back.
    std::vector<std::string> warnings(const std::string& point) const {
        const auto out = (directory / "out").string();
        return {
            run({"cp", "--dry-run", point + ":shop/data-0/file", out}).err,
            run({"restore", "--dry-run", point, "--volume", "shop/data-0", "--to-directory", out})
                .err};
    }

    TempDir directory;
    testing::SeededRandom random{7};
    testing::CliSurroundings surroundings;
};

std::optional<bool> is_sound(const Json& record) {
    const auto* const sound = record.find_path({"verified", "sound"});
    return sound == nullptr ? std::nullopt : std::optional(sound->boolean());
}

/// The daemon's place is taken: what the verb says before.
CliResult mount(const Desk& desk, const std::vector<std::string>& more) {
    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    testing::FakeClock clock;
    testing::SeededRandom random;
    plugin::App app{in, out, err, clock, random};
    app.environment = desk.surroundings.environment;
    app.executable = desk.directory.write("bin/kubectl-backup", "");
    desk.directory.write("bin/kubectl-backup-mount", "");
    app.replace_process = [](const std::vector<std::string>&) { return 0; };
    std::vector<std::string> words = {"mount", "/mnt/x"};
    words.insert(words.end(), more.begin(), more.end());
    const int exit_code = plugin::run_cli(words, app);
    return {exit_code, out.str(), err.str()};
}

}  // namespace

TEST_CASE("a point that verify found damaged is listed as such") {
    Desk desk;
    CHECK(desk.listed("torn").find("verified") == nullptr);
    CHECK(desk.run({"list"}).out.find("Damaged") == std::string::npos);
    REQUIRE(desk.run({"verify"}).exit_code == 13);

    const auto list = desk.run({"list"});
    CHECK(list.exit_code == 0);
    CHECK(list.err.empty());
    CHECK_THAT(list.out, contains("Damaged"));
    CHECK_THAT(list.out, contains("Complete"));
    const auto torn = desk.listed("torn");
    CHECK(torn.text_at({"status"}) == "Complete");
    CHECK(torn.text_at({"verified", "time"}).size() == 20);
    CHECK(is_sound(torn) == false);
    CHECK(is_sound(desk.listed("whole")) == true);
    CHECK(desk.names("damaged") == "recoverypoint/torn\n");
    CHECK(desk.names("complete") == "recoverypoint/whole\n");
    CHECK_THAT(desk.run({"forget", "--keep-last", "2", "--dry-run"}).out, contains("Damaged"));
}

TEST_CASE("forget does not take a point for good that verify found damaged") {
    Desk desk;
    REQUIRE(desk.run({"verify"}).exit_code == 13);
    CHECK(desk.run({"forget", "--keep-tag", "none", "--keep-min-good", "1"}).exit_code == 0);
    CHECK(desk.run({"list", "-o", "name"}).out == "recoverypoint/whole\n");
}

TEST_CASE("describe says when a point was verified, and what names the files that are lost") {
    Desk desk;
    const auto describe = [&desk](const std::string& name) {
        return desk.run({"describe", name}).out;
    };
    CHECK_THAT(describe("torn"), contains("Verified:     no verify of it is remembered\n"));
    desk.run({"verify"});
    CHECK_THAT(describe("whole"), contains("ago): sound\n"));
    CHECK_THAT(describe("torn"), contains("Status:       Complete\n"));
    CHECK_THAT(describe("torn"), contains("ago): damaged; 'kubectl backup repo repair --dry-run'"));
    CHECK_THAT(desk.run({"repo", "repair", "--dry-run"}).out,
               contains("torn:/volumes/shop/data-0/file"));
    CHECK(is_sound(parse_json(desk.run({"describe", "torn", "-o", "json"}).out)) == false);
}

TEST_CASE("who takes something of a damaged point is warned once") {
    Desk desk;
    const std::string warning = "warning: damaged when last verified: torn; ";
    const auto count = [&warning](const std::string& text) {
        const auto at = text.find(warning);
        return (at != std::string::npos ? 1 : 0) +
               (text.find(warning, at + 1) != std::string::npos ? 1 : 0);
    };
    CHECK(count(desk.warnings("torn")[0]) == 0);
    CHECK(mount(desk, {}).err.empty());
    desk.run({"verify"});
    for (const auto& text : desk.warnings("torn")) {
        CHECK(count(text) == 1);
    }
    for (const auto& text : desk.warnings("whole")) {
        CHECK(count(text) == 0);
    }
    CHECK(count(mount(desk, {}).err) == 1);
    CHECK(count(mount(desk, {"--point", "torn"}).err) == 1);
    CHECK(mount(desk, {"--point", "whole"}).err.empty());
    CHECK(mount(desk, {"--point", "torn"}).exit_code == 0);
}

TEST_CASE("checks that cannot be read cost a warning, and nothing else") {
    Desk desk;
    desk.run({"verify"});
    const auto checks = desk.repository() / "checks";
    SECTION("damaged") {
        for (const auto& file : fs::directory_iterator(checks)) {
            fs::permissions(file, fs::perms::owner_all);
            fs::resize_file(file, file.file_size() - 1);
        }
    }
    SECTION("not to be listed") {
        fs::remove_all(checks);
        desk.directory.write("home/.local/share/kubectl-backup/repository/checks", "no folder");
    }
    const auto list = desk.run({"list"});
    CHECK(list.exit_code == 0);
    CHECK_THAT(list.out, contains("torn"));
    CHECK_THAT(list.err, contains("warning: "));
    CHECK_THAT(list.err, contains(" cannot be read: "));
    CHECK(desk.run({"describe", "torn"}).exit_code == 0);
    CHECK(mount(desk, {}).exit_code == 0);
}
