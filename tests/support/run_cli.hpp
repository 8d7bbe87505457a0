// SPDX-License-Identifier: Apache-2.0
// The plugin in process: words in; exit code, standard output and standard error out.
#pragma once

#include "plugin/run.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/seeded_random.hpp"

#include <sstream>
#include <string>
#include <vector>

namespace backup::testing {

struct CliResult {
    int exit_code = 0;
    std::string out;
    std::string err;
};

/// What a run is given besides its words.
struct CliSurroundings {
    plugin::Environment environment = {{"HOME", "/nonexistent"}, {"TERM", "xterm"}};
    std::string input = {};
    bool is_tty = false;
    std::string argv0 = "/usr/bin/kubectl-backup";
};

inline CliResult run_cli(const std::vector<std::string>& words,
                         const CliSurroundings& surroundings = {}) {
    std::istringstream in(surroundings.input);
    std::ostringstream out;
    std::ostringstream err;
    FakeClock clock;
    SeededRandom random;
    plugin::App app{in, out, err, clock, random};
    app.environment = surroundings.environment;
    app.out_facts.is_tty = surroundings.is_tty;
    app.err_facts.is_tty = surroundings.is_tty;
    app.argv0 = surroundings.argv0;
    const int exit_code = plugin::run_cli(words, app);
    return {exit_code, out.str(), err.str()};
}

}  // namespace backup::testing
