// SPDX-License-Identifier: Apache-2.0
// A command in a container of the application, with a time limit. Knows nothing of hooks; an
// interface, so that the order of hooks can be tested without a cluster.
#pragma once

#include "core/base/stream.hpp"
#include "core/kube/client.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace backup::capture {

inline constexpr std::size_t kCommandTailBytes = 64U << 10U;

struct CommandRequest {
    std::string ns;
    std::string pod;
    std::string container;
    std::vector<std::string> command;
    std::chrono::milliseconds timeout{};
    ByteSink* output = nullptr;  // gets standard output; null: it goes to the tail
};

/// What is known of a command when it ends, also when run() throws.
struct CommandReport {
    int exit_code = -1;  // -1: it did not end by itself
    std::string tail;    // the last 64 KiB of what it wrote, UTF-8 without control characters
};

class CommandRunner {
  public:
    virtual ~CommandRunner() = default;
    /// Returns when the command has ended, whatever its exit code. Throws TimedOut (the stream is
    /// cut then; Kubernetes has no way to end the process), Interrupted, ExecFailed (it could not
    /// be run, or the stream broke), Forbidden, and what `output` throws. From any thread.
    virtual void run(const CommandRequest& request,
                     CommandReport& report,
                     const std::stop_token& stop) = 0;
};

std::unique_ptr<CommandRunner> make_command_runner(kube::Client& client);

}  // namespace backup::capture
