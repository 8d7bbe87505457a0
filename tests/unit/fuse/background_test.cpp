// SPDX-License-Identifier: Apache-2.0
#include "fuse/background.hpp"

#include "tests/support/catch.hpp"

#include <array>
#include <csignal>
#include <filesystem>
#include <functional>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>

namespace backup::testing {
namespace {

/// What the shell would see: the exit code of a program that goes into the background and there
/// does `daemon`; 128 + signal when it was killed.
int exit_code_of(const std::function<void(fuse::Background&)>& daemon) {
    const auto program = ::fork();
    REQUIRE(program >= 0);
    if (program == 0) {
        auto background = fuse::Background::start();
        daemon(background);
        ::_exit(99);
    }
    int status = 0;
    REQUIRE(::waitpid(program, &status, 0) == program);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST_CASE("the shell goes on with 0 when the daemon is ready, and the daemon lives on") {
    int ends[2] = {-1, -1};
    REQUIRE(::pipe(ends) == 0);
    CHECK(exit_code_of([&ends](fuse::Background& background) {
              background.report_ready();
              std::array<char, 256> directory{};
              const auto* const at = ::getcwd(directory.data(), directory.size());
              const bool is_free = at != nullptr && std::string_view(at) == "/" &&
                                   ::getsid(0) == ::getpid() && ::isatty(STDOUT_FILENO) == 0;
              static_cast<void>(::write(ends[1], is_free ? "y" : "n", 1));
          }) == 0);
    char answer = '?';
    CHECK(::read(ends[0], &answer, 1) == 1);
    CHECK(answer == 'y');
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_CASE("the shell gets the code of a daemon that failed") {
    CHECK(exit_code_of([](fuse::Background& background) { background.report_failure(12); }) == 12);
}

TEST_CASE("a daemon that dies without a word is a failure") {
    CHECK(exit_code_of([](fuse::Background&) { std::raise(SIGKILL); }) == 1);
    CHECK(exit_code_of([](fuse::Background&) {}) == 1);
}

TEST_CASE("in the foreground nobody waits") {
    const auto before = std::filesystem::current_path();
    auto foreground = fuse::Background::none();
    foreground.report_ready();
    foreground.report_failure(3);
    CHECK(std::filesystem::current_path() == before);
}

}  // namespace
}  // namespace backup::testing
