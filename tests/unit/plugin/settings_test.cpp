// SPDX-License-Identifier: Apache-2.0
#include "plugin/settings.hpp"

#include "plugin/cli/parse.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/temp_dir.hpp"

using namespace backup;
using namespace backup::plugin;
using backup::testing::contains;
using backup::testing::error_of;
using backup::testing::TempDir;
using Kind = KeySource::Kind;

namespace {

Settings settings(const std::vector<std::string>& flags, const Environment& environment) {
    static const std::vector<Command> commands = [] {
        Command list;
        list.name = "list";
        return std::vector<Command>{list};
    }();
    std::vector<std::string> words = {"list"};
    words.insert(words.end(), flags.begin(), flags.end());
    return decide_settings(parse_command_line(commands, words), environment);
}

}  // namespace

TEST_CASE("directories follow XDG, and HOME where that says nothing") {
    const auto home = find_directories({{"HOME", "/home/a"}});
    CHECK(home.config == "/home/a/.config/kubectl-backup");
    CHECK(home.data == "/home/a/.local/share/kubectl-backup");
    CHECK(home.cache == "/home/a/.cache/kubectl-backup");
    const auto xdg = find_directories({{"XDG_CONFIG_HOME", "/c"},
                                       {"XDG_DATA_HOME", "/d"},
                                       {"XDG_CACHE_HOME", "relative"},
                                       {"HOME", "/home/a"}});
    CHECK(xdg.config == "/c/kubectl-backup");
    CHECK(xdg.data == "/d/kubectl-backup");
    CHECK(xdg.cache == "/home/a/.cache/kubectl-backup");
    CHECK_THAT(error_of([] { return find_directories({}); }).what(), contains("$HOME"));
}

TEST_CASE("the repository: flag, environment, configuration file, default") {
    const TempDir directory;
    Environment environment = {{"HOME", directory.path().string()}};
    CHECK(settings({}, environment).repository.url ==
          (directory / ".local/share/kubectl-backup/repository").string());
    CHECK(settings({}, environment).repository.origin == Origin::Default);
    directory.write(".config/kubectl-backup/config.yaml", "repository: /from/file\n");
    CHECK(settings({}, environment).repository.url == "/from/file");
    environment["KUBECTL_BACKUP_REPO"] = "/from/environment";
    CHECK(settings({}, environment).repository.url == "/from/environment");
    CHECK(settings({"--repo", "/from/flag"}, environment).repository.url == "/from/flag");
    CHECK(settings({"--repo=/from/flag"}, environment).repository.origin == Origin::Flag);
}

TEST_CASE("the key: flag, environment, configuration file, default file") {
    const TempDir directory;
    Environment environment = {{"HOME", directory.path().string()}};
    CHECK(settings({}, environment).key.kind == Kind::DefaultFile);
    directory.write(".config/kubectl-backup/config.yaml", "passphraseCommand: pass show backup\n");
    CHECK(settings({}, environment).key.kind == Kind::PassphraseCommand);
    CHECK(settings({}, environment).key.value == "pass show backup");
    environment["KUBECTL_BACKUP_PASSPHRASE"] = "hunter2";
    const auto variable = settings({}, environment).key;
    CHECK(variable.kind == Kind::PassphraseVariable);
    CHECK(variable.value.find("hunter2") == std::string::npos);
    CHECK(settings({"--key-file", "k"}, environment).key.kind == Kind::File);
    CHECK(settings({"--passphrase-file", "p"}, environment).key.value == "p");
    CHECK(error_of([&] {
              return settings({"--key-file=a", "--passphrase-file=b"}, environment);
          }).code() == ErrorCode::Usage);
}

TEST_CASE("a bad configuration file is named") {
    const TempDir directory;
    const auto path = directory.write("config.yaml", "repo: /x\n");
    const auto error = error_of([&path] { return read_config_file(path); });
    CHECK_THAT(error.what(), contains(path.string()));
    CHECK_THAT(error.what(), contains("\"repo\""));
    directory.write("config.yaml", "repository: [1]\n");
    CHECK_THAT(error_of([&path] { return read_config_file(path); }).what(),
               contains("not a string"));
    directory.write("config.yaml", "- a\n");
    CHECK_THAT(error_of([&path] { return read_config_file(path); }).what(), contains("mapping"));
    directory.write("config.yaml", "a: [\n");
    CHECK_THAT(error_of([&path] { return read_config_file(path); }).what(),
               contains(path.string()));
    directory.write("config.yaml", "# nothing\n");
    CHECK_FALSE(read_config_file(path).repository.has_value());
    CHECK_FALSE(read_config_file(directory / "none").repository.has_value());
}

TEST_CASE("the default key file is named by the repository") {
    CHECK(default_key_file({"/c", "/d", "/e"}, "abc") == "/c/keys/abc.key");
}
