// SPDX-License-Identifier: Apache-2.0
// The verbs that need no cluster, on a real repository in a directory.
#include "core/base/bytes.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_cli.hpp"
#include "tests/support/temp_dir.hpp"

#include <filesystem>

using namespace backup;
using backup::testing::CliResult;
using backup::testing::contains;
using backup::testing::TempDir;

namespace {

/// A home directory, a source directory, and runs of the program in them.
struct Desk {
    Desk() {
        surroundings.environment["HOME"] = (directory / "home").string();
        directory.write("src/etc/app.conf", "hello\n");
        directory.write("src/data/a", "1");
        std::filesystem::create_symlink("../etc/app.conf", directory / "src/data/link");
    }

    CliResult run(const std::vector<std::string>& words) const {
        return testing::run_cli(words, surroundings);
    }

    CliResult import(const std::vector<std::string>& more = {}) const {
        std::vector<std::string> words = {
            "import", "directory", (directory / "src").string(), "--as", "shop/data-0"};
        words.insert(words.end(), more.begin(), more.end());
        return run(words);
    }

    TempDir directory;
    testing::CliSurroundings surroundings;
};

}  // namespace

TEST_CASE("init makes a repository and a key that only its owner can read") {
    const Desk desk;
    const auto result = desk.run({"init", "-o", "json"});
    REQUIRE(result.exit_code == 0);
    const auto record = parse_json(result.out);
    CHECK(record.text_at({"kind"}) == "Repository");
    const std::filesystem::path key = record.text_at({"keyFile"});
    CHECK(key ==
          desk.directory / ("home/.config/kubectl-backup/keys/" + record.text_at({"id"}) + ".key"));
    CHECK(std::filesystem::status(key).permissions() == static_cast<std::filesystem::perms>(0600));
    CHECK(desk.run({"list"}).exit_code == 0);

    const auto again = desk.run({"init"});
    CHECK(again.exit_code == 1);
    CHECK_THAT(again.err, contains("already"));
}

TEST_CASE("init that fails leaves no key behind") {
    const Desk desk;
    const auto file = desk.directory.write("file", "x");
    CHECK(desk.run({"init", "--repo", (file / "below").string()}).exit_code != 0);
    const auto keys = desk.directory / "home/.config/kubectl-backup/keys";
    CHECK((!std::filesystem::exists(keys) || std::filesystem::is_empty(keys)));
}

TEST_CASE("init --dry-run makes nothing") {
    const Desk desk;
    CHECK(desk.run({"init", "--dry-run"}).exit_code == 0);
    CHECK_FALSE(std::filesystem::exists(desk.directory / "home"));
    CHECK(desk.run({"list"}).exit_code == 10);
}

TEST_CASE("a passphrase opens the repository as well as the key") {
    Desk desk;
    desk.surroundings.environment["KUBECTL_BACKUP_PASSPHRASE"] = "correct horse";
    REQUIRE(desk.run({"init"}).exit_code == 0);
    CHECK(desk.run({"list"}).exit_code == 0);
    desk.surroundings.environment["KUBECTL_BACKUP_PASSPHRASE"] = "battery staple";
    const auto wrong = desk.run({"list"});
    CHECK(wrong.exit_code == 12);
    CHECK(wrong.err.find("battery") == std::string::npos);
    desk.surroundings.environment.erase("KUBECTL_BACKUP_PASSPHRASE");
    CHECK(desk.run({"list"}).exit_code == 0);
    std::filesystem::remove_all(desk.directory / "home/.config");
    CHECK(desk.run({"list"}).exit_code == 12);
}

TEST_CASE("an empty list is said on standard error, and is a list for programs") {
    const Desk desk;
    desk.run({"init"});
    const auto people = desk.run({"list"});
    CHECK(people.out.empty());
    CHECK_THAT(people.err, contains("No recovery points found"));
    const auto programs = desk.run({"list", "-o", "json"});
    CHECK(programs.err.empty());
    CHECK(parse_json(programs.out).find("items")->items().empty());
    CHECK(desk.run({"describe", "latest"}).exit_code == 1);
}

TEST_CASE("import makes the default repository and a point") {
    const Desk desk;
    const auto result = desk.import({"--name", "one", "--tag", "a=b", "--description", "a line"});
    CHECK(result.exit_code == 0);
    CHECK(result.out == "recoverypoint/one created\n");
    CHECK_THAT(result.err, contains("keep a copy"));

    const auto list = desk.run({"list"});
    CHECK_THAT(list.out, contains("NAME   NAMESPACES   OBJECTS   VOLUMES   SIZE"));
    CHECK_THAT(list.out, contains("Complete"));
    CHECK(desk.run({"list", "-o", "name"}).out == "recoverypoint/one\n");
    CHECK_THAT(desk.run({"list", "-o", "wide"}).out, contains("a=b"));
    const auto json = parse_json(desk.run({"get", "-o", "json"}).out);
    CHECK(json.find("items")->items().at(0).text_at({"name"}) == "one");
}

TEST_CASE("list shows what its filters ask for") {
    const Desk desk;
    desk.import({"--name", "one", "--tag", "a=b"});
    const auto names = [&desk](const std::vector<std::string>& flags) {
        std::vector<std::string> words = {"list", "-o", "name"};
        words.insert(words.end(), flags.begin(), flags.end());
        return desk.run(words).out;
    };
    const std::string one = "recoverypoint/one\n";
    CHECK(names({"-n", "shop"}) == one);
    CHECK(names({"-n", "other,sh*"}) == one);
    CHECK(names({"-n", "other"}).empty());
    CHECK(names({"--tag", "a"}) == one);
    CHECK(names({"--tag", "a=b"}) == one);
    CHECK(names({"--tag", "a=c"}).empty());
    CHECK(names({"--tag", "a", "--tag", "x"}).empty());
    CHECK(names({"--since", "1h"}) == one);
    CHECK(names({"--since", "2026-11-20"}) == one);
    CHECK(names({"--since", "2026-11-21"}).empty());
    CHECK(names({"--status", "complete"}) == one);
    CHECK(names({"--status", "Complete"}) == one);
    CHECK(names({"--status", "failed,incomplete"}).empty());
    const auto wrong = desk.run({"list", "--status", "complet"});
    CHECK(wrong.exit_code == 2);
    CHECK_THAT(wrong.err, contains("did you mean 'complete'"));
    CHECK_THAT(desk.run({"list", "--tag"}).err, contains("help list'"));
    CHECK(desk.run({"list", "--since", "yesterday"}).exit_code == 2);
}

TEST_CASE("an unchanged directory is not read again") {
    const Desk desk;
    desk.import();
    const auto second = parse_json(desk.import({"--name", "two", "-o", "json"}).out);
    const auto& volume = second.find("ledger")->find("volumes")->items().at(0);
    CHECK(volume.integer_at({"files"}) == 3);
    CHECK(second.text_at({"previous"}).size() == 64);
}

TEST_CASE("what is stored without being compared first is the same") {
    const Desk desk;
    REQUIRE(desk.import({"--name", "one", "--no-verify-writes"}).exit_code == 0);
    CHECK(desk.run({"cat", "one:shop/data-0/etc/app.conf"}).out == "hello\n");
    CHECK(desk.run({"verify", "--read-data"}).exit_code == 0);
}

TEST_CASE("import says what is wrong with its words") {
    const Desk desk;
    const auto source = (desk.directory / "src").string();
    CHECK_THAT(desk.run({"import", "directory", source}).err, contains("--as"));
    CHECK(desk.run({"import", "directory", "/no/such", "--as", "a/b"}).exit_code == 1);
    for (const auto* name : {"shop", "Sh op/data", "../x", "a/b_c", "a/-b"}) {
        CHECK(desk.run({"import", "directory", source, "--as", name}).exit_code == 2);
    }
    CHECK(desk.import({"--name", "a:b"}).exit_code == 2);
    CHECK(desk.import({"--name", "latest"}).exit_code == 2);
    CHECK(desk.import({"--tag", "x"}).exit_code == 2);
    CHECK(desk.import({"--dry-run"}).exit_code == 0);
    CHECK(desk.run({"list"}).exit_code == 10);
}

TEST_CASE("describe tells what a point holds") {
    const Desk desk;
    desk.import({"--name", "one", "--description", "a line"});
    const auto text = desk.run({"describe", "one"}).out;
    for (const auto* part : {"Name:         one\n",
                             "Status:       Complete\n",
                             "Verdict:      1 of 1 claim with data\n",
                             "a line",
                             "Namespaces:   shop\n",
                             "shop/data-0   Protected   directory   none          3"}) {
        CHECK_THAT(text, contains(part));
    }
    const auto json = parse_json(desk.run({"show", "latest:shop", "-o", "json"}).out);
    CHECK(json.text_at({"kind"}) == "RecoveryPoint");
    CHECK(json.find_path({"ledger", "volumes"})->items().size() == 1);
    CHECK_THAT(desk.run({"describe", "on"}).err, contains("did you mean 'one'?"));
}

TEST_CASE("ls shows directories, files, and details") {
    const Desk desk;
    desk.import({"--name", "one"});
    CHECK(desk.run({"ls", "one:shop/data-0"}).out == "data/\netc/\n");
    CHECK(desk.run({"ls", "-R", "one:shop/data-0"}).out ==
          "data/\ndata/a\ndata/link\netc/\netc/app.conf\n");
    CHECK_THAT(desk.run({"ls", "-l", "one:shop/data-0/data"}).out,
               contains("link -> ../etc/app.conf\n"));
    CHECK_THAT(desk.run({"ls", "one:shop/data-0/data/a"}).out, contains("data/a\n"));
    const auto json = parse_json(desk.run({"ls", "one:shop/data-0/data", "-o", "json"}).out);
    CHECK(json.find("items")->items().at(1).text_at({"target"}) == "../etc/app.conf");
    const auto missing = desk.run({"ls", "one:shop/data-0/dota"});
    CHECK(missing.exit_code == 1);
    CHECK_THAT(missing.err, contains("did you mean 'data'?"));
}

TEST_CASE("find looks into one point") {
    const Desk desk;
    desk.import({"--name", "one"});
    const auto find = [&](std::vector<std::string> words) {
        words.insert(words.begin(), {"find", "one:shop/data-0"});
        return desk.run(words).out;
    };
    const std::string top = "namespaces/shop/volumes/data-0/";
    CHECK(find({"--name", "app*"}) == top + "etc/app.conf\n");
    CHECK(find({"--iname", "APP.*", "-o", "name"}) == "one:" + top + "etc/app.conf\n");
    CHECK(find({"--type", "l"}) == top + "data/link\n");
    CHECK(find({"--type", "d"}) == top + "data\n" + top + "etc\n");
    CHECK(find({"--maxdepth", "1"}) == top + "data\n" + top + "etc\n");
    CHECK(find({"--maxdepth", "0"}).empty());
    CHECK(find({"--type", "f", "--size", "+5"}) == top + "etc/app.conf\n");
    CHECK(find({"--type", "f", "--size", "-5"}) == top + "data/a\n");
    CHECK(find({"--type", "f", "--size", "1"}) == top + "data/a\n");
    CHECK(find({"--path", "*/data/*", "--name", "a", "--print0"}) ==
          top + "data/a" + std::string(1, '\0'));
    CHECK(find({"--newer", "2900-01-01"}).empty());
    CHECK(desk.run({"find", "one", "--type", "x"}).exit_code == 2);
    CHECK(desk.run({"find", "one", "--all-points"}).exit_code == 2);
    CHECK_THAT(desk.run({"find", "one", "--name", "none"}).err, contains("Nothing found."));
}

TEST_CASE("find tells which points hold a file, one line a version") {
    const Desk desk;
    desk.import({"--name", "one"});
    desk.import({"--name", "two"});
    desk.directory.write("src/etc/app.conf", "changed meanwhile");
    desk.import({"--name", "three"});
    const auto json = parse_json(desk.run({"find", "--name", "app.conf", "-o", "json"}).out);
    const auto& items = json.find("items")->items();
    REQUIRE(items.size() == 2);
    // All three were made in one second: which is the newest is open.
    const auto& changed = items[0].integer_at({"size"}) == 17 ? items[0] : items[1];
    const auto& before = &changed == &items[0] ? items[1] : items[0];
    CHECK(changed.integer_at({"size"}) == 17);
    CHECK(changed.find("points")->items().at(0).string() == "three");
    CHECK(before.find("points")->items().size() == 2);
    const auto table = desk.run({"find", ":shop/data-0/etc", "--all-points"}).out;
    CHECK_THAT(table, contains("POINTS"));
    CHECK_THAT(table, contains("17 B   1        three"));
    CHECK_THAT(desk.run({"find", "--name", "a", "-o", "name"}).out,
               contains(":namespaces/shop/volumes/data-0/data/a\n"));
}

TEST_CASE("cat prints exactly what is stored, and only files") {
    const Desk desk;
    desk.import({"--name", "one"});
    CHECK(desk.run({"cat", "one:shop/data-0/etc/app.conf", "one:shop/data-0/data/a"}).out ==
          "hello\n1");
    CHECK_THAT(desk.run({"cat", "one:shop/data-0/etc"}).err, contains("is a directory"));
    CHECK_THAT(desk.run({"cat", "one:shop/data-0/data/link"}).err,
               contains("is a link to \"../etc/app.conf\""));
}

TEST_CASE("verify finds nothing in a sound repository and names what is damaged") {
    const Desk desk;
    desk.import();
    for (const auto& words : {std::vector<std::string>{"verify"},
                              {"verify", "--quick"},
                              {"verify", "--read-data"},
                              {"verify", "--read-data=50%"}}) {
        const auto result = desk.run(words);
        CHECK(result.exit_code == 0);
        CHECK_THAT(result.err, contains("no problems found"));
    }
    CHECK(desk.run({"verify", "--quick", "--read-data"}).exit_code == 2);
    CHECK(desk.run({"verify", "--read-data=0"}).exit_code == 2);
    CHECK(desk.run({"verify", "--read-data=101%"}).exit_code == 2);

    const auto packs = desk.directory / "home/.local/share/kubectl-backup/repository/packs";
    for (const auto& file : std::filesystem::recursive_directory_iterator(packs)) {
        if (file.is_regular_file()) {
            std::filesystem::permissions(file, std::filesystem::perms::owner_all);
            std::filesystem::resize_file(file, file.file_size() - 1);
            break;
        }
    }
    const auto damaged = desk.run({"verify", "-o", "json"});
    CHECK(damaged.exit_code == 13);
    CHECK_FALSE(parse_json(damaged.out).find("problems")->items().empty());
}

TEST_CASE("verify warns of packs without parity, and succeeds") {
    const Desk desk;
    desk.import();
    REQUIRE(desk.run({"repo", "parity", "on"}).exit_code == 0);
    CHECK(desk.run({"verify"}).err.find("warning") == std::string::npos);
    const auto parity = desk.directory / "home/.local/share/kubectl-backup/repository/parity";
    for (const auto& file : std::filesystem::directory_iterator(parity)) {
        if (file.path().filename() != "on") {
            std::filesystem::remove(file);
        }
    }
    const auto result = desk.run({"verify", "-o", "json"});
    CHECK(result.exit_code == 0);
    CHECK_THAT(result.err, contains("warning: parity: "));
    const auto json = parse_json(result.out);
    CHECK(json.find("problems")->items().empty());
    CHECK(json.find("warnings")->items().size() == 1);
    CHECK(json.integer_at({"packsWithoutParity"}) == json.integer_at({"packs"}));
}

TEST_CASE("verbs that read go on without a damaged index segment, those that write do not") {
    const Desk desk;
    desk.directory.write("src/data/old", std::string(5000, 'o'));
    desk.import({"--name", "one"});
    const auto index = desk.directory / "home/.local/share/kubectl-backup/repository/index";
    const std::filesystem::path segment = std::filesystem::directory_iterator(index)->path();
    desk.directory.write("src/data/new", std::string(5000, 'n'));
    desk.import({"--name", "two"});
    std::filesystem::permissions(segment, std::filesystem::perms::owner_all);
    std::filesystem::resize_file(segment, std::filesystem::file_size(segment) - 1);

    // The points name themselves: who lists them asks no index.
    CHECK(desk.run({"list"}).err.empty());
    const auto new_file = desk.run({"cat", "two:shop/data-0/data/new"});
    CHECK(new_file.exit_code == 0);
    CHECK(new_file.out == std::string(5000, 'n'));
    const auto warning = "warning: index/" + segment.filename().string();
    CHECK(split(new_file.err, '\n').size() == 3);
    CHECK_THAT(new_file.err, contains(warning));
    CHECK_THAT(new_file.err, contains("hint: run 'kubectl backup repo repair'"));

    const auto old_file = desk.run({"cat", "two:shop/data-0/data/old"});
    CHECK(old_file.exit_code == 13);
    CHECK_THAT(old_file.err, contains("is in no index segment that can be read"));
    CHECK(desk.run({"ls", "two:shop/data-0/data"}).exit_code == 0);
    CHECK(desk.run({"find", "two:shop/data-0", "--name", "new"}).exit_code == 0);
    const auto target = desk.directory / "target";
    const auto restored =
        desk.run({"restore", "two", "--volume", "shop/data-0", "--to-directory", target.string()});
    CHECK(restored.exit_code == 3);
    CHECK_THAT(restored.err, contains("data/old"));
    CHECK(as_text(read_file(target / "data/new")) == std::string(5000, 'n'));
    CHECK_FALSE(std::filesystem::exists(target / "data/old"));

    const auto written = desk.import({"--name", "three"});
    CHECK(written.exit_code == 13);
    CHECK_THAT(written.err, contains("error: index/" + segment.filename().string()));
    CHECK(desk.run({"prune"}).exit_code == 13);
    CHECK(desk.run({"repo", "repair"}).exit_code == 0);
    CHECK(desk.run({"cat", "two:shop/data-0/data/old"}).err.empty());
}

TEST_CASE("cp writes files and directories, replaces files, and keeps what the point lacks") {
    const Desk desk;
    desk.import({"--name", "one"});
    const auto out = desk.directory / "out";
    std::filesystem::create_directory(out);
    desk.directory.write("out/data/mine", "stays");
    desk.directory.write("out/data/a", "damaged");
    CHECK(desk.run({"cp", "one:shop/data-0/etc/app.conf", out.string()}).exit_code == 0);
    CHECK(as_text(read_file(out / "app.conf")) == "hello\n");
    CHECK(desk.run({"cp", "one:shop/data-0/etc/app.conf", (out / "new").string()}).exit_code == 0);
    CHECK(as_text(read_file(out / "new")) == "hello\n");
    CHECK(desk.run({"cp", "-r", "one:shop/data-0/data", out.string()}).exit_code == 0);
    CHECK(as_text(read_file(out / "data/a")) == "1");
    CHECK(as_text(read_file(out / "data/mine")) == "stays");
    CHECK(std::filesystem::read_symlink(out / "data/link") == "../etc/app.conf");
}

TEST_CASE("cp says what is wrong with its words") {
    const Desk desk;
    desk.import({"--name", "one"});
    const auto out = desk.directory.path().string();
    CHECK_THAT(desk.run({"cp", "one:shop/data-0/etc", out}).err, contains("-r copies it"));
    CHECK(desk.run({"cp", "one", out}).exit_code == 2);
    CHECK(desk.run({"cp", "one:shop/data-0/etc/app.conf", "/no/such/dir/x"}).exit_code == 1);
    CHECK(desk.run({"cp", "one:shop/data-0/etc/app.conf", "pod:relative"}).exit_code == 2);
    CHECK(desk.run({"cp", "--dry-run", "one:shop/data-0/etc/app.conf", out}).exit_code == 0);
    CHECK_FALSE(std::filesystem::exists(desk.directory / "app.conf"));
}

TEST_CASE("restore writes a volume into an empty directory") {
    const Desk desk;
    desk.import({"--name", "one"});
    const auto target = (desk.directory / "target").string();
    const std::vector<std::string> words = {
        "restore", "one", "--volume", "shop/data-0", "--to-directory", target};
    const auto dry = [&words] {
        auto more = words;
        more.emplace_back("--dry-run");
        return more;
    }();
    CHECK(desk.run(dry).exit_code == 0);
    CHECK_FALSE(std::filesystem::exists(target));
    CHECK(desk.run(words).exit_code == 0);
    CHECK(as_text(read_file(desk.directory / "target/etc/app.conf")) == "hello\n");
    CHECK(desk.run(words).exit_code == 1);
    auto again = words;
    again.emplace_back("--overwrite");
    CHECK(desk.run(again).exit_code == 0);
    CHECK(desk.run({"restore", "one"}).exit_code == 2);
    CHECK(desk.run({"restore", "one", "--volume", "x", "--to-directory", target}).exit_code == 2);
    CHECK(desk.run({"restore", "one", "--volume", "a/b", "--to-directory", target}).exit_code == 1);
}

TEST_CASE("the shell is offered points and paths") {
    const Desk desk;
    desk.import({"--name", "one"});
    CHECK_THAT(desk.run({"__complete", "describe", "o"}).out, contains("one\tshop, 0s ago\n:4\n"));
    CHECK_THAT(desk.run({"__complete", "describe", ""}).out, contains("latest\t"));
    CHECK_THAT(desk.run({"__complete", "ls", "on"}).out, contains("one:\t"));
    CHECK(desk.run({"__complete", "cat", "one:shop/data-0/e"}).out == "one:shop/data-0/etc/\n:6\n");
    CHECK_THAT(desk.run({"__complete", "cat", "one:"}).out, contains("one:namespaces/\n"));
    CHECK(desk.run({"__complete", "cat", "nosuch:x/"}).out == ":6\n");
}

TEST_CASE("the mount daemon gets the key through a pipe and nothing secret as an argument") {
    const Desk desk;
    desk.run({"init"});
    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    testing::FakeClock clock;
    testing::SeededRandom random;
    plugin::App app{in, out, err, clock, random};
    app.environment = desk.surroundings.environment;
    app.executable = desk.directory.write("bin/kubectl-backup", "");
    std::vector<std::string> started;
    app.replace_process = [&started](const std::vector<std::string>& words) {
        started = words;
        return 0;
    };
    const std::vector<std::string> words = {
        "mount", "/mnt/x", "--point", "latest", "-n", "shop,office", "-v4", "--allow-other"};
    CHECK(plugin::run_cli(words, app) == 1);
    CHECK_THAT(err.str(), contains("kubectl-backup-mount is missing"));

    const auto daemon = desk.directory.write("bin/kubectl-backup-mount", "");
    REQUIRE(plugin::run_cli(words, app) == 0);
    REQUIRE(started.size() == 10);
    CHECK(started[0] == daemon.string());
    CHECK(started[1].starts_with("--repo=/"));
    CHECK(started[2].starts_with("--secret-fd="));
    CHECK(std::vector<std::string>(started.begin() + 4, started.end()) ==
          std::vector<std::string>{"--point=latest",
                                   "--namespace=shop",
                                   "--namespace=office",
                                   "--allow-other",
                                   "--",
                                   "/mnt/x"});
    CHECK(plugin::run_cli(std::vector<std::string>{"mount", "/x", "--cache-size", "much"}, app) ==
          2);
}

TEST_CASE("umount refuses what is no mount of ours") {
    const Desk desk;
    CHECK_THAT(desk.run({"umount", desk.directory.path().string()}).err,
               contains("nothing is mounted on"));
    CHECK_THAT(desk.run({"umount", "/proc"}).err, contains("not one of recovery points"));
}

TEST_CASE("a damaged record of a collection stops writers, and repo repair lets them go on") {
    const Desk desk;
    const auto repository = (desk.directory / "repository").string();
    const auto run = [&](std::vector<std::string> words) {
        words.insert(words.end(), {"--repo", repository});
        return desk.run(words);
    };
    REQUIRE(run({"init"}).exit_code == 0);
    REQUIRE(desk.import({"--repo", repository}).exit_code == 0);
    const std::string blob = "gc/" + std::string(32, 'a');
    desk.directory.write("repository/" + blob, "nothing that was ever written here");

    for (const auto& result : {desk.import({"--repo", repository}), run({"prune"})}) {
        CHECK(result.exit_code != 0);
        CHECK_THAT(result.err, contains(blob));
        CHECK_THAT(result.err, contains("hint: kubectl backup repo repair"));
    }
    const auto info = run({"repo", "info"});
    CHECK(info.exit_code == 0);
    CHECK_THAT(info.err, contains(blob));
    const auto repaired = run({"repo", "repair"});
    CHECK(repaired.exit_code == 0);
    CHECK_THAT(repaired.out, contains(blob));
    CHECK_THAT(run({"repo", "info"}).err, !contains(blob));
    CHECK(desk.import({"--repo", repository}).exit_code == 0);
    CHECK(run({"prune"}).exit_code == 0);
    CHECK(run({"verify"}).exit_code == 0);
    CHECK_FALSE(std::filesystem::exists(desk.directory / ("repository/" + blob)));
}
