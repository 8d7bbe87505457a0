// SPDX-License-Identifier: Apache-2.0
#include "plugin/cli/help.hpp"

#include "core/base/text.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/commands/all.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/run_cli.hpp"

#include <algorithm>
#include <set>

using namespace backup;
using namespace backup::plugin;
using backup::testing::check_golden;
using backup::testing::contains;
using backup::testing::run_cli;

TEST_CASE("paragraphs are filled, indented lines kept") {
    CHECK(wrap("one two\nthree", 80) == "one two three\n");
    CHECK(wrap("one two three", 8) == "one two\nthree\n");
    CHECK(wrap("a\n\nb", 80, 2) == "  a\n\n  b\n");
    CHECK(wrap("see:\n  x  y\nend", 10) == "see:\n  x  y\nend\n");
    CHECK(wrap("averyveryverylongword b", 5) == "averyveryverylongword\nb\n");
    CHECK(wrap("", 80) == "\n");
}

TEST_CASE("the usage of a flag shows how its value is written") {
    CHECK(flag_usage({"namespace", 'n', FlagKind::List, "NS", "", "", ""}) == "-n, --namespace NS");
    CHECK(flag_usage({"all", 0, FlagKind::Switch, "", "", "", ""}) == "--all");
    CHECK(flag_usage({"read-data", 0, FlagKind::OptionalValue, "N%", "", "", ""}) ==
          "--read-data[=N%]");
}

TEST_CASE("a flag tells its choices and its default") {
    CHECK(flag_description({"x", 0, FlagKind::Text, "X", "a", "pick", "", {"a", "b"}}) ==
          "pick: a, b (default a)");
    CHECK(flag_description({"x", 0, FlagKind::Text, "X", "", "auto or not", "", {"auto", "not"}}) ==
          "auto or not");
}

TEST_CASE("the help of the program and of its topics") {
    check_golden("cli/help.txt", run_cli({}).out);
    check_golden("cli/help_options.txt", run_cli({"help", "options"}).out);
    check_golden("cli/help_errors.txt", run_cli({"help", "errors"}).out);
    CHECK(run_cli({"--help"}).out == run_cli({}).out);
    CHECK(run_cli({"help"}).out == run_cli({}).out);
}

TEST_CASE("the help of each verb") {
    for (const auto& command : all_commands()) {
        if (command.is_hidden) {
            continue;
        }
        auto words = split(command.name, ' ');
        words.emplace_back("--help");
        const auto result = run_cli(words);
        CHECK(result.exit_code == 0);
        std::string stem(command.name);
        std::ranges::replace(stem, ' ', '_');
        check_golden(concat("cli/verbs/", stem, ".txt"), result.out);
        CHECK(run_cli({"help", std::string(command.name)}).out == result.out);
    }
}

TEST_CASE("no line of a help is wider than the terminal, but for examples") {
    for (const auto& command : all_commands()) {
        auto plain = command;
        plain.examples.clear();
        for (const auto& line : split(command_help(plain, {}), '\n')) {
            INFO(line);
            CHECK(line.size() <= 80);
        }
    }
}

TEST_CASE("the help names the program as it was started") {
    testing::CliSurroundings surroundings;
    surroundings.argv0 = "/opt/krew/kubectl-time_travel";
    const auto help = run_cli({"help"}, surroundings).out;
    CHECK_THAT(help, contains("kubectl time-travel VERB"));
    CHECK(help.find("kubectl backup") == std::string::npos);
}

TEST_CASE("the table of commands is complete and free of contradictions") {
    std::set<std::string_view> names;
    for (const auto& command : all_commands()) {
        INFO(command.name);
        CHECK(command.run != nullptr);
        CHECK(names.insert(command.name).second);
        for (const auto alias : command.aliases) {
            CHECK(names.insert(alias).second);
        }
        CHECK_FALSE(command.summary.empty());
        CHECK_FALSE(command.summary.ends_with('.'));
        CHECK((command.is_hidden || !command.examples.empty()));
        std::set<std::string_view> flag_names;
        std::set<char> letters;
        for (const auto& flag : flags_of(command)) {
            INFO(flag.name);
            CHECK(flag.name.size() >= 2);
            CHECK(flag_names.insert(flag.name).second);
            CHECK((flag.letter == 0 || letters.insert(flag.letter).second));
            CHECK_FALSE(flag.summary.empty());
            CHECK((flag.kind == FlagKind::Switch) == flag.placeholder.empty());
        }
        for (const auto& example : command.examples) {
            CHECK_THAT(std::string(example.line), contains("kubectl backup"));
        }
    }
}
