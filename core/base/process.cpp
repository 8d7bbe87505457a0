// SPDX-License-Identifier: Apache-2.0
#include "core/base/process.hpp"

#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace backup {

namespace {

using Deadline = std::chrono::steady_clock::time_point;

FileDescriptor checked(int number, std::string_view what) {
    if (number < 0) {
        throw system_error(errno, what);
    }
    return FileDescriptor(number);
}

/// Input as a file in memory: nothing to feed while the program runs, and no SIGPIPE.
FileDescriptor make_input(ByteView input) {
    auto file = checked(::memfd_create("input", MFD_CLOEXEC), "make the input of a program");
    write_all(file.get(), input, "write the input of a program");
    if (::lseek(file.get(), 0, SEEK_SET) < 0) {
        throw system_error(errno, "rewind the input of a program");
    }
    return file;
}

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& added) {
    std::vector<std::string> merged;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        if (!added.contains(std::string(text.substr(0, text.find('='))))) {
            merged.emplace_back(text);
        }
    }
    for (const auto& [name, value] : added) {
        merged.push_back(concat(name, "=", value));
    }
    return merged;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (auto& text : texts) {
        pointers.push_back(text.data());
    }
    pointers.push_back(nullptr);
    return pointers;
}

class SpawnSetup {
  public:
    SpawnSetup() {
        posix_spawn_file_actions_init(&actions_);
        posix_spawnattr_init(&attributes_);
        // Signals we block or ignore are none of the program's business.
        sigset_t none;
        sigemptyset(&none);
        posix_spawnattr_setsigmask(&attributes_, &none);
        sigset_t defaults;
        sigemptyset(&defaults);
        sigaddset(&defaults, SIGPIPE);
        posix_spawnattr_setsigdefault(&attributes_, &defaults);
        posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }

    SpawnSetup(const SpawnSetup&) = delete;
    SpawnSetup& operator=(const SpawnSetup&) = delete;

    ~SpawnSetup() {
        posix_spawn_file_actions_destroy(&actions_);
        posix_spawnattr_destroy(&attributes_);
    }

    void connect(int fd, int as) { posix_spawn_file_actions_adddup2(&actions_, fd, as); }

    pid_t spawn(const ProcessOptions& options) {
        auto command = options.command;
        auto environment = merged_environment(options.environment);
        const auto arguments = pointers_to(command);
        const auto variables = pointers_to(environment);
        pid_t pid = -1;
        const int error = ::posix_spawnp(
            &pid, arguments[0], &actions_, &attributes_, arguments.data(), variables.data());
        if (error != 0) {
            throw system_error(error, concat("run ", printable(options.command.front())));
        }
        return pid;
    }

  private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

/// A started program: killed and reaped when nobody waited for it.
class Child {
  public:
    explicit Child(pid_t pid) : pid_(pid) {}

    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    ~Child() {
        if (!reaped_) {
            ::kill(pid_, SIGKILL);
            reap();
        }
    }

    FileDescriptor watch() const {
        return checked(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)), "watch a program");
    }

    /// The exit code as a shell gives it.
    int reap() {
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        reaped_ = true;
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }

  private:
    pid_t pid_;
    bool reaped_ = false;
};

class OutputReader {
  public:
    OutputReader(FileDescriptor pipe, const ProcessOptions& options)
        : pipe_(std::move(pipe)),
          options_(options) {}

    int fd() const { return pipe_.get(); }

    /// Takes what is there now.
    void drain() {
        std::array<char, 16384> buffer{};
        while (pipe_) {
            const auto count = ::read(pipe_.get(), buffer.data(), buffer.size());
            if (count < 0 && errno == EINTR) {
                continue;
            }
            if (count < 0 && errno == EAGAIN) {
                return;
            }
            if (count < 0) {
                throw system_error(errno, "read the output of a program");
            }
            if (count == 0) {
                pipe_.close();
                return;
            }
            add({buffer.data(), static_cast<std::size_t>(count)});
        }
    }

    std::string take() { return std::move(output_); }

  private:
    void add(std::string_view text) {
        if (text.size() > options_.output_limit_bytes - output_.size()) {
            throw Error(ErrorCode::Io,
                        concat(printable(options_.command.front()),
                               " printed more than ",
                               options_.output_limit_bytes,
                               " bytes"));
        }
        output_ += text;
    }

    FileDescriptor pipe_;
    const ProcessOptions& options_;
    std::string output_;
};

int milliseconds_until(Deadline deadline) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
}

/// Reads until the program has ended; what a grandchild still prints later is not waited for.
void follow(const FileDescriptor& ended, OutputReader& output, const ProcessOptions& options) {
    const auto deadline = std::chrono::steady_clock::now() + options.timeout;
    for (;;) {
        std::array<pollfd, 2> polled{pollfd{ended.get(), POLLIN, 0},
                                     pollfd{output.fd(), POLLIN, 0}};
        if (::poll(polled.data(), polled.size(), milliseconds_until(deadline)) < 0 &&
            errno != EINTR) {
            throw system_error(errno, "wait for a program");
        }
        output.drain();
        if (polled[0].revents != 0) {
            return;
        }
        if (std::chrono::steady_clock::now() >= deadline) {
            throw Error(ErrorCode::TimedOut,
                        concat(printable(options.command.front()),
                               " took longer than ",
                               options.timeout.count(),
                               " ms"));
        }
    }
}

}  // namespace

ProcessResult run_process(const ProcessOptions& options) {
    if (options.command.empty() || options.command.front().empty()) {
        throw Error(ErrorCode::InvalidArgument, "no program to run was named");
    }
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        throw system_error(errno, "make a pipe");
    }
    FileDescriptor read_end(ends[0]);
    FileDescriptor write_end(ends[1]);
    if (::fcntl(read_end.get(), F_SETFL, O_NONBLOCK) != 0) {
        throw system_error(errno, "make a pipe");
    }

    SpawnSetup setup;
    FileDescriptor input;
    if (!options.inherit_stdin) {
        input = make_input(options.input);
        setup.connect(input.get(), STDIN_FILENO);
    }
    setup.connect(write_end.get(), STDOUT_FILENO);
    Child child(setup.spawn(options));
    write_end.close();

    OutputReader output(std::move(read_end), options);
    follow(child.watch(), output, options);
    const int exit_code = child.reap();
    output.drain();
    return {exit_code, output.take()};
}

void replace_process(const std::vector<std::string>& words) {
    std::vector<std::string> copies = words;
    std::vector<char*> argv;
    for (auto& word : copies) {
        argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    // The new program must not inherit signals that this one may have blocked for its own waiting.
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    execv(argv[0], argv.data());
    throw system_error(errno, concat("start ", words.front()));
}

std::string host_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data())
                                                            : std::string();
}

void forbid_core_files() {
    const rlimit none{0, 0};
    // Cannot fail: lowering a limit is always allowed (setrlimit(2)).
    static_cast<void>(::setrlimit(RLIMIT_CORE, &none));
}

}  // namespace backup
