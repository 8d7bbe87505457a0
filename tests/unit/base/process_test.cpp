// SPDX-License-Identifier: Apache-2.0
#include "core/base/process.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

#include <csignal>
#include <string>

using namespace backup;
using namespace std::chrono_literals;
using backup::testing::error_code_of;

namespace {

ProcessOptions shell(std::string script) {
    ProcessOptions options;
    options.command = {"sh", "-c", std::move(script)};
    return options;
}

}  // namespace

TEST_CASE("output and exit code come back") {
    const auto result = run_process(shell("echo out; exit 3"));
    CHECK(result.exit_code == 3);
    CHECK(result.output == "out\n");
}

TEST_CASE("input is fed, and may be left unread") {
    auto options = shell("cat");
    options.input = Bytes(300'000, std::byte{'x'});
    CHECK(run_process(options).output == std::string(300'000, 'x'));
    options.command = {"true"};
    CHECK(run_process(options).exit_code == 0);
}

TEST_CASE("without input the program reads nothing") {
    CHECK(run_process(shell("wc -c | tr -d ' '")).output == "0\n");
}

TEST_CASE("the environment is ours with the additions") {
    auto options = shell("printf '%s|%s' \"$KUBECTL_BACKUP_TEST\" \"${PATH:+path}\"");
    options.environment = {{"KUBECTL_BACKUP_TEST", "a b=c"}};
    CHECK(run_process(options).output == "a b=c|path");
}

TEST_CASE("arguments are not read by a shell") {
    ProcessOptions options;
    options.command = {"printf", "%s", "$HOME; `x`"};
    CHECK(run_process(options).output == "$HOME; `x`");
}

TEST_CASE("a missing program is not found") {
    ProcessOptions options;
    options.command = {"kubectl-backup-no-such-program"};
    CHECK(error_code_of([&] { return run_process(options); }) == ErrorCode::NotFound);
    options.command = {};
    CHECK(error_code_of([&] { return run_process(options); }) == ErrorCode::InvalidArgument);
    options.command = {"/etc/passwd"};
    CHECK(error_code_of([&] { return run_process(options); }) == ErrorCode::Io);
}

TEST_CASE("a program that takes too long is killed") {
    auto options = shell("exec sleep 60");
    options.timeout = 50ms;
    CHECK(error_code_of([&] { return run_process(options); }) == ErrorCode::TimedOut);
}

TEST_CASE("a grandchild that holds the output open is not waited for") {
    // Its stderr is elsewhere, so that nobody who runs these tests waits for it either.
    auto options = shell("sleep 60 2>/dev/null & echo $!");
    options.timeout = 50s;
    const auto begin = std::chrono::steady_clock::now();
    const auto grandchild = std::stoi(run_process(options).output);
    CHECK(std::chrono::steady_clock::now() - begin < 40s);
    CHECK(::kill(grandchild, SIGKILL) == 0);
}

TEST_CASE("a program that goes on after closing its output is waited for") {
    CHECK(run_process(shell("exec >&-; exec sh -c 'exit 5'")).exit_code == 5);
}

TEST_CASE("too much output is an error") {
    auto options = shell("yes");
    options.output_limit_bytes = 1000;
    CHECK(error_code_of([&] { return run_process(options); }) == ErrorCode::Io);
    options.command = {"printf", "12345"};
    options.output_limit_bytes = 5;
    CHECK(run_process(options).output == "12345");
}

TEST_CASE("death by a signal shows in the exit code, as in a shell") {
    CHECK(run_process(shell("kill -TERM $$")).exit_code == 128 + SIGTERM);
}

TEST_CASE("no core file is written once that was forbidden") {
    forbid_core_files();
    CHECK(run_process({.command = {"sh", "-c", "ulimit -c"}}).output == "0\n");
}

TEST_CASE("the program does not inherit ignored or blocked signals") {
    // The main function of the tests ignores SIGPIPE.
    CHECK(run_process(shell("kill -PIPE $$; echo survived")).exit_code == 128 + SIGPIPE);
    sigset_t set;
    sigset_t before;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    REQUIRE(pthread_sigmask(SIG_BLOCK, &set, &before) == 0);
    CHECK(run_process(shell("kill -TERM $$; echo survived")).exit_code == 128 + SIGTERM);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_CASE("a program that is not there cannot take this one's place") {
    CHECK(error_code_of([]() -> int {
              replace_process({"/no/such/program", "x"});
          }) == ErrorCode::NotFound);
}
