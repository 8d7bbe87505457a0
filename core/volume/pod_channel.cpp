// SPDX-License-Identifier: Apache-2.0
#include "core/volume/pod_channel.hpp"

#include "core/base/retry.hpp"
#include "core/base/text.hpp"
#include "core/volume/mover_pod_spec.hpp"

#include <array>
#include <chrono>

namespace backup::volume {

namespace {

/// A mover whose client is silent for five minutes gives up: docs/mover-pod.md.
constexpr std::chrono::seconds kKeepAliveInterval{20};
constexpr std::size_t kLongestQuote = 1000;

kube::ExecOptions exec_options(const PodChannelOptions& options, std::stop_token stop) {
    kube::ExecOptions exec;
    exec.ns = options.ns;
    exec.pod = options.pod;
    exec.container = options.container.empty() ? std::string(kMoverContainer) : options.container;
    exec.command = options.command.empty() ? mover_command() : options.command;
    exec.stop = std::move(stop);
    return exec;
}

/// The end of it: the last words say why.
std::string quote(const std::string& error_text) {
    const auto text = trim(error_text);
    return printable(text.substr(text.size() - std::min(text.size(), kLongestQuote)));
}

}  // namespace

std::size_t PodStreams::Output::read(std::span<std::byte> buffer) {
    std::size_t count = 0;
    try {
        count = exec_.output().read(buffer);
    } catch (const Error& error) {
        if (quote(exec_.error_text()).empty() || error.code() == ErrorCode::Interrupted) {
            throw;
        }
        fail(error.message());
    }
    if (count == 0 && !buffer.empty()) {
        fail(concat("the mover has ended with exit code ", exec_.wait()));
    }
    return count;
}

void PodStreams::Output::fail(const std::string& what) const {
    const auto words = quote(exec_.error_text());
    throw Error(ErrorCode::MoverFailed, words.empty() ? what : concat(what, "; it said: ", words))
        .retryable();
}

PodStreams::PodStreams(kube::Client& client, const PodChannelOptions& options)
    : outer_stop_(options.stop, [this] { stop_.request_stop(); }),
      exec_(kube::open_exec(client, exec_options(options, stop_.get_token()))),
      output_(*exec_) {
    if (!options.program.empty()) {
        start_program(options);
    }
}

/// Nothing is sent behind the program until it is there: what reads it may read ahead.
void PodStreams::start_program(const PodChannelOptions& options) {
    expect(options.send, options);
    const auto refusal = failure_of([&] { exec_->input().write(options.program); });
    expect(options.ready, options);
    if (refusal) {
        throw Error(*refusal);
    }
}

void PodStreams::expect(std::string_view text, const PodChannelOptions& options) {
    for (const char expected : text) {
        std::array<std::byte, 1> byte{};
        output_.read(byte);
        if (std::to_integer<char>(byte[0]) != expected) {
            throw Error(ErrorCode::MoverFailed,
                        concat("something else than the mover was started in container ",
                               options.container,
                               " of pod ",
                               options.pod));
        }
    }
}

PodChannel::PodChannel(kube::Client& client, const PodChannelOptions& options)
    : PodStreams(client, options),
      StreamChannel(output_,
                    exec_->input(),
                    {.message_limit_bytes = StreamChannelOptions().message_limit_bytes,
                     .interrupt = [this] { stop_.request_stop(); }}) {
    keep_alive_.start([this](const std::stop_token& stop) {
        // What breaks the channel is told to whoever sends or receives next.
        while (sleep_for(kKeepAliveInterval, stop) && !failure_of([&] { send_keep_alive(stop); })) {
        }
    });
}

}  // namespace backup::volume
