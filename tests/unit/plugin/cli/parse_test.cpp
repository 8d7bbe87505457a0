// SPDX-License-Identifier: Apache-2.0
#include "plugin/cli/parse.hpp"

#include "plugin/cli/global_flags.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

#include <vector>

using namespace backup;
using namespace backup::plugin;
using backup::testing::contains;
using backup::testing::error_of;

namespace {

using Words = std::vector<std::string>;

std::vector<Command> commands() {
    Command create;
    create.name = "create";
    create.arguments = {{"NAME", false}};
    create.flags = {
        {"selector", 'l', FlagKind::Repeated, "SELECTOR", "", "", ""},
        {"read-data", 0, FlagKind::OptionalValue, "PERCENT", "100%", "", ""},
        {"volumes", 0, FlagKind::Text, "HOW", "auto", "", "", {"auto", "none"}},
        {"recursive", 'r', FlagKind::Switch, "", "", "", ""},
        output_flag({"table", "json"}),
    };
    Command list;
    list.name = "list";
    list.aliases = {"get"};
    Command import;
    import.name = "import directory";
    import.arguments = {{ "PATH" }};
    Command cp;
    cp.name = "cp";
    cp.arguments = {{"FROM"}, {"TO"}};
    Command ls;
    ls.name = "ls";
    ls.arguments = {{"PATH", true, true}};
    Command raw;
    raw.name = "__complete";
    raw.is_hidden = true;
    raw.takes_raw_arguments = true;
    return {create, list, import, cp, ls, raw};
}

/// The table lives as long as the test program: ParsedCommand points into it.
const std::vector<Command>& table() {
    static const std::vector<Command> all = commands();
    return all;
}

ParsedCommand parse(const Words& words) {
    return parse_command_line(table(), words);
}

Error refused(const Words& words) {
    return error_of([&words] { return parse(words); });
}

}  // namespace

TEST_CASE("flags stand before the verb, before and after the arguments") {
    for (const auto& words : {Words{"-n", "shop", "create", "one"},
                              Words{"create", "-n", "shop", "one"},
                              Words{"create", "one", "-n", "shop"}}) {
        const auto parsed = parse(words);
        CHECK(parsed.command().name == "create");
        CHECK(parsed.positionals() == Words{"one"});
        CHECK(parsed.list("namespace") == Words{"shop"});
    }
}

TEST_CASE("every way kubectl lets a value be written") {
    for (const auto& words : {Words{"create", "-n", "shop"},
                              Words{"create", "-nshop"},
                              Words{"create", "-n=shop"},
                              Words{"create", "--namespace", "shop"},
                              Words{"create", "--namespace=shop"},
                              Words{"create", "-rnshop"},
                              Words{"create", "-rn", "shop"}}) {
        CHECK(parse(words).list("namespace") == Words{"shop"});
    }
    CHECK(parse({"create", "--v=4"}).text("verbosity") == "4");
    CHECK(parse({"create", "-v4"}).text("verbosity") == "4");
}

TEST_CASE("namespaces repeat and split at commas, selectors keep their commas") {
    const auto parsed = parse(
        {"create", "-n", "a,b", "-n", "c*", "-n", "", "-l", "app=x,tier=y", "-lother in (a,b)"});
    CHECK(parsed.list("namespace") == Words{"a", "b", "c*"});
    CHECK(parsed.list("selector") == Words{"app=x,tier=y", "other in (a,b)"});
}

TEST_CASE("a value may look like a flag or be empty") {
    CHECK(parse({"create", "--selector", "-x"}).list("selector") == Words{"-x"});
    CHECK(parse({"create", "--volumes", "none", "--selector="}).list("selector") == Words{""});
}

TEST_CASE("what stands behind -- is an argument") {
    const auto parsed = parse({"ls", "-n", "shop", "--", "-n", "--repo", "x"});
    CHECK(parsed.positionals() == Words{"-n", "--repo", "x"});
    CHECK(parsed.list("namespace") == Words{"shop"});
}

TEST_CASE("a single dash is an argument") {
    CHECK(parse({"cp", "-", "x"}).positionals() == Words{"-", "x"});
}

TEST_CASE("switches are on, or off when said so") {
    CHECK(parse({"create", "-r"}).is_on("recursive"));
    CHECK(parse({"create", "--recursive=true"}).is_on("recursive"));
    CHECK_FALSE(parse({"create", "--recursive=false"}).is_on("recursive"));
    CHECK_FALSE(parse({"create"}).is_on("recursive"));
    CHECK_THAT(refused({"create", "--recursive=perhaps"}).what(), contains("true or false"));
}

TEST_CASE("an optional value never takes the next word") {
    CHECK_FALSE(parse({"create"}).is_given("read-data"));
    const auto bare = parse({"create", "--read-data", "name"});
    CHECK(bare.is_given("read-data"));
    CHECK_FALSE(bare.find_text("read-data").has_value());
    CHECK(bare.positionals() == Words{"name"});
    CHECK(parse({"create", "--read-data=5%"}).find_text("read-data") == "5%");
}

TEST_CASE("defaults stand in for what was not given") {
    CHECK(parse({"create"}).text("volumes") == "auto");
    CHECK_FALSE(parse({"create"}).find_text("volumes").has_value());
    CHECK(parse({"create"}).text("output") == "table");
    CHECK(parse({"create", "--volumes=auto", "--volumes=none"}).text("volumes") == "none");
    CHECK(parse({"create"}).argument(0, "fallback") == "fallback");
}

TEST_CASE("unknown flags name the nearest one") {
    const auto error = refused({"create", "--namespce", "x"});
    CHECK(error.code() == ErrorCode::Usage);
    CHECK(error.message() == "unknown flag \"--namespce\"");
    CHECK(error.hint() == "did you mean '--namespace'?");
    CHECK(refused({"create", "--frobnicate=1"}).message() == "unknown flag \"--frobnicate\"");
    CHECK(refused({"create", "-x"}).message() == "unknown flag \"-x\"");
    CHECK(refused({"create", "-rx"}).message() == "unknown flag \"-x\" in -rx");
    // A flag of another verb is no flag of this one.
    CHECK(refused({"list", "--selector", "a"}).message() == "unknown flag \"--selector\"");
}

TEST_CASE("a missing value is said so") {
    CHECK(refused({"create", "-n"}).message() ==
          "flag --namespace needs a value: --namespace NAMESPACE");
    CHECK(refused({"create", "--selector"}).code() == ErrorCode::Usage);
    CHECK(refused({"--repo"}).message() == "flag --repo needs a value: --repo URL");
}

TEST_CASE("choices are checked") {
    const auto error = refused({"create", "-o", "jsn"});
    CHECK(error.message() == "--output cannot be \"jsn\": it is one of table, json");
    CHECK(error.hint() == "did you mean 'json'?");
}

TEST_CASE("verbs have aliases and may be two words") {
    CHECK(parse({"get"}).command().name == "list");
    const auto parsed = parse({"import", "-n", "x", "directory", "--repo", "r", "/srv"});
    CHECK(parsed.command().name == "import directory");
    CHECK(parsed.positionals() == Words{"/srv"});
}

TEST_CASE("unknown verbs name the nearest one") {
    CHECK(refused({"crate"}).hint() == "did you mean 'create'?");
    CHECK(refused({"import"}).message() == "import needs a further word");
    const auto error = refused({"import", "velero"});
    CHECK(error.message() == "unknown verb \"import velero\"");
    CHECK(error.hint() == "did you mean 'import directory'?");
    CHECK(refused({"__complte"}).hint().find("__complete") == std::string_view::npos);
    CHECK(refused({"--no-headers"}).message() == "no verb given");
}

TEST_CASE("the number of arguments is checked") {
    CHECK(refused({"cp", "one"}).message() == "cp needs TO");
    CHECK(refused({"cp", "one", "two", "three"}).message() == "unexpected argument \"three\"");
    CHECK(refused({"list", "x"}).hint() == "usage: kubectl backup list [flags]");
    CHECK(parse({"ls", "a", "b", "c"}).positionals().size() == 3);
    CHECK(refused({"ls"}).message() == "ls needs PATH");
}

TEST_CASE("raw arguments stay as they are") {
    CHECK(parse({"__complete", "create", "--nam", "-x", ""}).positionals() ==
          Words{"create", "--nam", "-x", ""});
}

TEST_CASE("asking for a flag that is not in the table is our mistake") {
    const auto parsed = parse({"list"});
    CHECK(error_of([&parsed] { return parsed.text("selector"); }).code() == ErrorCode::Internal);
}

TEST_CASE("help is asked for anywhere before --") {
    CHECK(asks_for_help(Words{"create", "-h"}));
    CHECK(asks_for_help(Words{"--help"}));
    CHECK_FALSE(asks_for_help(Words{"create", "--", "--help"}));
}

TEST_CASE("the output format is found in words that cannot be parsed") {
    CHECK(wanted_output(Words{"x", "-o", "json"}) == "json");
    CHECK(wanted_output(Words{"x", "-ojson"}) == "json");
    CHECK(wanted_output(Words{"x", "-o=json"}) == "json");
    CHECK(wanted_output(Words{"x", "--output=json", "--bad"}) == "json");
    CHECK(wanted_output(Words{"x", "--output"}).empty());
    CHECK(wanted_output(Words{"x", "--", "-ojson"}).empty());
}
