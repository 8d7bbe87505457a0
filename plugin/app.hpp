// SPDX-License-Identifier: Apache-2.0
// What the process gives to a run: streams, environment, clock, randomness, the wish to stop. Tests
// make one of their own and run the whole program in process (plugin/run.hpp).
#pragma once

#include "core/base/clock.hpp"
#include "core/base/random.hpp"
#include "plugin/settings.hpp"

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <stop_token>
#include <string>
#include <vector>

namespace backup::plugin {

/// Facts about one of the standard streams.
struct StreamFacts {
    bool is_tty = false;
    std::size_t columns = 80;
};

struct App {
    std::istream& in;
    std::ostream& out;
    std::ostream& err;
    Clock& clock;
    Random& random;
    Environment environment = {};
    StreamFacts out_facts = {};
    StreamFacts err_facts = {};
    bool in_is_tty = false;
    std::string argv0 = "kubectl-backup";
    std::string host = {};                  // name of this machine, written into points
    std::filesystem::path executable = {};  // of this program; beside it are its siblings
    /// Made when a verb first needs it, so that the others end on signals as any program does.
    std::function<std::stop_token()> stop_token = [] { return std::stop_token(); };
    /// execve(2) of the words: returns only by throwing. Replaced by tests.
    std::function<int(const std::vector<std::string>& words)> replace_process = {};
};

/// The environment of this process.
Environment own_environment(const char* const* variables);

/// The path of this program's file.
std::filesystem::path own_executable();

}  // namespace backup::plugin
