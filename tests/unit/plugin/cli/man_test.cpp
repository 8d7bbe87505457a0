// SPDX-License-Identifier: Apache-2.0
#include "plugin/cli/man.hpp"

#include "core/base/bytes.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/text.hpp"
#include "plugin/cli/help.hpp"
#include "plugin/commands/all.hpp"
#include "plugin/version.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_cli.hpp"
#include "tests/support/temp_dir.hpp"

#include <filesystem>
#include <set>

using namespace backup;
using namespace backup::plugin;
using backup::testing::contains;

namespace {

std::string text_of(const std::filesystem::path& path) {
    return std::string(as_text(read_file(path)));
}

}  // namespace

TEST_CASE("docs/cli and docs/man are what generate-docs writes") {
    const std::filesystem::path docs = std::filesystem::path(BACKUP_SOURCE_DIR) / "docs";
    std::set<std::string> expected;
    for (const auto& [name, text] : generated_docs(all_commands(), kVersion)) {
        INFO("docs/" << name << " is not up to date: run 'kubectl-backup generate-docs docs'");
        REQUIRE(std::filesystem::exists(docs / name));
        CHECK(text_of(docs / name) == text);
        expected.insert(name);
    }
    for (const auto* directory : {"cli", "man"}) {
        for (const auto& file : std::filesystem::directory_iterator(docs / directory)) {
            INFO(file.path() << " belongs to no verb");
            CHECK(expected.contains(concat(directory, "/", file.path().filename().string())));
        }
    }
}

TEST_CASE("generate-docs writes the files and the table of a README with marks") {
    const testing::TempDir directory;
    directory.write(
        "README.md",
        "head\n<!-- verbs: made by generate-docs -->\nOUTDATED\n<!-- end of verbs -->\ntail\n");
    const auto result = testing::run_cli({"generate-docs", (directory / "docs").string()});
    REQUIRE(result.exit_code == 0);
    CHECK(text_of(directory / "docs/cli/README.md") == program_markdown(all_commands()));
    const auto readme = text_of(directory / "README.md");
    CHECK_THAT(readme, contains("| [`version`](docs/cli/version.md) |"));
    CHECK(readme.find("OUTDATED") == std::string::npos);
    CHECK(readme.starts_with("head\n"));
    CHECK(readme.ends_with("tail\n"));
}

TEST_CASE("the README has the table of verbs") {
    const auto path = std::filesystem::path(BACKUP_SOURCE_DIR) / "README.md";
    if (!std::filesystem::exists(path) || text_of(path).find("<!-- verbs") == std::string::npos) {
        return;
    }
    CHECK_THAT(text_of(path), contains(command_table_markdown(all_commands(), "docs/cli/")));
}

TEST_CASE("every flag is in the man page of its verb") {
    for (const auto& command : all_commands()) {
        const auto page = command_man_page(command, "1.2.3");
        for (const auto& flag : command.flags) {
            std::string escaped;
            for (const char c : flag.name) {
                escaped += c == '-' ? std::string("\\-") : std::string(1, c);
            }
            CHECK_THAT(page, contains("\\-\\-" + escaped));
        }
    }
}

TEST_CASE("no line of ours is taken for a request of roff") {
    Command command;
    command.name = "x";
    command.summary = "Do x";
    command.manual = ".hidden and\n'quoted' and back\\slash";
    const auto page = command_man_page(command, "1.2.3");
    CHECK_THAT(page, contains("\n\\&.hidden"));
    CHECK_THAT(page, contains("\n\\&'quoted' and back\\eslash"));
}

TEST_CASE("a bar in a text does not split a cell of a table") {
    Command command;
    command.name = "x";
    command.summary = "a|b <c>";
    CHECK_THAT(command_table_markdown(std::span(&command, 1), ""), contains("a\\|b &lt;c>"));
}
