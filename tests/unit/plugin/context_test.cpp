// SPDX-License-Identifier: Apache-2.0
#include "plugin/context.hpp"

#include "plugin/cli/global_flags.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/seeded_random.hpp"

#include <sstream>

using namespace backup;
using namespace backup::plugin;

namespace {

const std::vector<Command>& table() {
    static const std::vector<Command> all = [] {
        Command one;
        one.name = "one";
        one.flags = {output_flag({"table", "json"}), dry_run_flag()};
        Command plain;
        plain.name = "plain";
        return std::vector<Command>{one, plain};
    }();
    return all;
}

/// A context with all it needs to live.
struct Run {
    explicit Run(const std::vector<std::string>& words, const Environment& environment = {})
        : app{in, out, err, clock, random, environment},
          context(app, console, table(), parse_command_line(table(), words)) {}

    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    testing::FakeClock clock;
    testing::SeededRandom random;
    App app;
    Console console{err};
    Context context;
};

}  // namespace

TEST_CASE("-v is a number as kubectl takes it") {
    CHECK(level_of_verbosity("0") == "warn");
    CHECK(level_of_verbosity("2") == "info");
    CHECK(level_of_verbosity("4") == "debug");
    CHECK(level_of_verbosity("9") == "trace");
    for (const auto* text : {"", "x", "-1", "4x"}) {
        CHECK(testing::error_code_of([text] { return level_of_verbosity(text); }) ==
              ErrorCode::Usage);
    }
}

TEST_CASE("log levels: environment first, then -v, then --log") {
    Run quiet({"one"});
    CHECK_FALSE(quiet.context.log().is_enabled("kube", LogLevel::Info));
    Run variable({"one"}, {{"KUBECTL_BACKUP_LOG", "kube=debug"}});
    CHECK(variable.context.log().is_enabled("kube", LogLevel::Debug));
    CHECK_FALSE(variable.context.log().is_enabled("view", LogLevel::Debug));
    Run number({"one", "-v4", "--log=view=error"});
    CHECK(number.context.log().is_enabled("kube", LogLevel::Debug));
    CHECK_FALSE(number.context.log().is_enabled("view", LogLevel::Warn));
    number.context.log().debug("kube", "GET /api");
    CHECK(number.err.str().find("GET /api") != std::string::npos);
}

TEST_CASE("the output follows the flags") {
    CHECK(Run({"one", "-o", "json"}).context.output().format == OutputFormat::Json);
    CHECK(Run({"plain"}).context.output().format == OutputFormat::Table);
    CHECK_FALSE(Run({"one", "--no-headers"}).context.output().headers);
    CHECK_FALSE(Run({"one"}).context.output().colour);
    CHECK(Run({"one", "--color=always"}).context.output().colour);
}

TEST_CASE("a dry run is asked for by the flag, unless it says none") {
    CHECK_FALSE(Run({"one"}).context.is_dry_run());
    CHECK(Run({"one", "--dry-run"}).context.is_dry_run());
    CHECK(Run({"one", "--dry-run=server"}).context.is_dry_run());
    CHECK_FALSE(Run({"one", "--dry-run=none"}).context.is_dry_run());
}

TEST_CASE("messages go to standard error") {
    Run run({"one"});
    run.context.warn("careful");
    run.context.say("see 'kubectl backup list'");
    CHECK(run.err.str() == "warning: careful\nsee 'kubectl backup list'\n");
    CHECK(run.out.str().empty());
}
