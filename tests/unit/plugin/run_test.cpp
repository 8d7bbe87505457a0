// SPDX-License-Identifier: Apache-2.0
#include "plugin/run.hpp"

#include "core/base/json.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/run_cli.hpp"

using namespace backup;
using backup::testing::check_golden;
using backup::testing::contains;
using backup::testing::run_cli;

TEST_CASE("wrong usage is told on standard error and ends with 2") {
    const std::vector<std::pair<std::string, std::vector<std::string>>> cases = {
        {"unknown_verb", {"verison"}},
        {"unknown_flag", {"version", "--clinet"}},
        {"missing_value", {"version", "--repo"}},
        {"missing_argument", {"completion"}},
        {"unexpected_argument", {"version", "now"}},
        {"bad_choice", {"version", "-o", "jsn"}},
        {"unknown_topic", {"help", "eror"}},
        {"no_verb", {"--no-headers"}},
    };
    for (const auto& [name, words] : cases) {
        INFO(name);
        const auto result = run_cli(words);
        CHECK(result.exit_code == 2);
        CHECK(result.out.empty());
        check_golden("cli/errors/" + name + ".txt", result.err);
    }
}

TEST_CASE("with -o json an error is a record") {
    const auto result = run_cli({"version", "-o", "json", "--clinet"});
    CHECK(result.exit_code == 2);
    CHECK(parse_json(result.err).text_at({"code"}) == "Usage");
}

TEST_CASE("the versions") {
    CHECK_THAT(run_cli({"version", "--client"}).out, contains("Client Version: v"));
    const auto record = parse_json(run_cli({"version", "--client", "-o", "json"}).out);
    CHECK(record.text_at({"kind"}) == "Version");
    CHECK_FALSE(record.text_at({"clientVersion"}).empty());
    CHECK(record.integer_at({"formatVersions", "repository"}) == 1);
}

TEST_CASE("a standard output that cannot be written is an error") {
    std::istringstream in;
    std::ostringstream out;
    out.setstate(std::ios::badbit);
    std::ostringstream err;
    testing::FakeClock clock;
    testing::SeededRandom random;
    plugin::App app{in, out, err, clock, random};
    CHECK(plugin::run_cli(std::vector<std::string>{"help"}, app) == 1);
    CHECK_THAT(err.str(), contains("standard output"));
}

TEST_CASE("errors are coloured for terminals only") {
    testing::CliSurroundings surroundings;
    surroundings.is_tty = true;
    CHECK_THAT(run_cli({"verison"}, surroundings).err, contains("\x1b[1;31merror:\x1b[0m"));
    surroundings.environment["NO_COLOR"] = "1";
    CHECK(run_cli({"verison"}, surroundings).err.find('\x1b') == std::string::npos);
}
