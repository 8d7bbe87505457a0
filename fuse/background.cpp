// SPDX-License-Identifier: Apache-2.0
#include "fuse/background.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace backup::fuse {

namespace {

constexpr int kDiedWithoutWord = 1;

void detach_from_terminal() {
    ::setsid();
    if (::chdir("/") != 0) {
        throw system_error(errno, "change to /");
    }
    const auto nowhere = open_file("/dev/null", O_RDWR);
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        ::dup2(nowhere.get(), stream);
    }
}

}  // namespace

Background Background::start() {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        throw system_error(errno, "make a pipe");
    }
    FileDescriptor reading(ends[0]);
    FileDescriptor writing(ends[1]);
    const auto child = ::fork();
    if (child < 0) {
        throw system_error(errno, "start the daemon");
    }
    if (child == 0) {
        return Background(std::move(writing));
    }
    writing.close();
    std::array<std::byte, 1> code{static_cast<std::byte>(kDiedWithoutWord)};
    read_up_to(reading.get(), code, "wait for the daemon");
    ::_exit(std::to_integer<int>(code[0]));
}

void Background::report_ready() {
    if (status_) {
        detach_from_terminal();
        report_failure(0);
    }
}

void Background::report_failure(int exit_code) {
    if (status_) {
        const std::array<std::byte, 1> code{static_cast<std::byte>(exit_code)};
        write_all(status_.get(), code, "report to the shell");
        status_.close();
    }
}

}  // namespace backup::fuse
