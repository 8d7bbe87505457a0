// SPDX-License-Identifier: Apache-2.0
#include "core/base/process.hpp"
#include "core/base/stop_on_signal.hpp"
#include "plugin/output/terminal.hpp"
#include "plugin/run.hpp"

#include <iostream>
#include <malloc.h>
#include <optional>
#include <unistd.h>

int main(int argc, char** argv) {
    using namespace backup;
    forbid_core_files();
#ifdef M_ARENA_MAX
    // Threads hand buffers to each other: what they free would stay in an arena of each thread.
    ::mallopt(M_ARENA_MAX, 2);
#endif
    SystemClock clock;
    SystemRandom random;
    std::optional<StopOnSignal> signals;
    plugin::App app{std::cin, std::cout, std::cerr, clock, random};
    app.environment = plugin::own_environment(environ);
    app.out_facts = {plugin::is_terminal(STDOUT_FILENO), plugin::terminal_width(STDOUT_FILENO)};
    app.err_facts = {plugin::is_terminal(STDERR_FILENO), plugin::terminal_width(STDERR_FILENO)};
    app.in_is_tty = plugin::is_terminal(STDIN_FILENO);
    app.argv0 = argc > 0 ? argv[0] : "kubectl-backup";
    app.host = host_name();
    app.executable = plugin::own_executable();
    app.stop_token = [&signals] { return signals ? signals->token() : signals.emplace().token(); };
    app.replace_process = [](const auto& program) -> int { replace_process(program); };
    const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
    return plugin::run_cli(words, app);
}
