// SPDX-License-Identifier: Apache-2.0
// The mover: serves one task over its standard input and output and ends. It has no arguments,
// reads no configuration, and needs no right but to read (or write) the volume.
#include "core/base/file_descriptor.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/volume/descriptor_stream.hpp"
#include "core/volume/serve_mover.hpp"
#include "core/volume/stream_channel.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <unistd.h>

namespace {

using namespace backup;

/// The client sends a keep-alive every 20 seconds: one that is silent for so long is gone, even if
/// nobody has told this end of the stream.
constexpr std::chrono::minutes kSilentClient{5};
/// A client that stores slowly does not take what we send for a while.
constexpr std::chrono::minutes kSlowClient{60};

void serve() {
    volume::Interrupter interrupter;
    volume::DescriptorStream input(STDIN_FILENO, interrupter, kSilentClient);
    volume::DescriptorStream output(STDOUT_FILENO, interrupter, kSlowClient);
    volume::StreamChannelOptions options;
    options.interrupt = [&interrupter] { interrupter.interrupt(); };
    volume::StreamChannel channel(input, output, options);
    SystemClock clock;
    volume::serve_mover(channel, clock, {});
}

}  // namespace

int main() {
    // A broken pipe is an error of the write, not the end of the process.
    std::signal(SIGPIPE, SIG_IGN);
    const auto failure = failure_of(serve);
    if (!failure) {
        return EXIT_SUCCESS;
    }
    write_all(STDERR_FILENO, as_bytes(concat("mover: ", failure->what(), "\n")), "stderr");
    return failure->exit_code();
}
