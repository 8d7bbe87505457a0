// SPDX-License-Identifier: Apache-2.0
// A command in a container, its standard streams as ByteSink and ByteSource. Over a WebSocket with
// v5.channel.k8s.io (1.30 and newer) or v4 (KEP-4006).
//
// Such a stream can lose its end without an error (kubernetes#124571): what runs over it needs an
// end mark and a checksum of its own.
#pragma once

#include "core/base/stream.hpp"
#include "core/kube/client.hpp"

namespace backup::kube {

struct ExecOptions {
    std::string ns;
    std::string pod;
    std::string container;  // empty: the pod's only or default one
    std::vector<std::string> command;
    std::size_t buffer_bytes = 4U << 20U;  // in each direction
    /// No sign of life (not even an answer to our pings) for so long is a broken connection.
    std::chrono::milliseconds silence_limit{61'000};
    std::chrono::milliseconds ping_interval{5'000};
    std::vector<std::string> subprotocols{"v5.channel.k8s.io", "v4.channel.k8s.io"};
    /// Gets what the command writes to its standard error, on the stream's own thread.
    std::function<void(std::string_view)> on_error_text;
    std::stop_token stop;
};

/// input() and output() may be used by two threads at the same time, each by one. A thread of its
/// own moves the bytes, so a full buffer in one direction never holds up the other.
class ExecStream {
  public:
    virtual ~ExecStream() = default;

    /// The command's standard input. write() waits while the buffer is full; it throws ExecFailed
    /// when the command has ended, and the error that broke the connection.
    virtual ByteSink& input() = 0;
    /// The command's standard output. read() answers 0 only after the command's exit status has
    /// arrived; otherwise it throws ExecFailed or the error that broke the connection.
    virtual ByteSource& output() = 0;

    /// Ends the standard input behind what was written. False on v4, which has no way to do that:
    /// the command must know from the stream itself when it has everything. No error when the
    /// command has ended before: output() and wait() tell how.
    virtual bool close_input() = 0;
    /// What close_input() will answer.
    virtual bool can_close_input() const = 0;

    /// Waits for the end; output not read by then is dropped. The exit code; throws ExecFailed when
    /// the command could not be run or the connection ended before its status.
    virtual int wait() = 0;

    /// The last 64 KiB of standard error so far.
    virtual std::string error_text() const = 0;
    virtual const std::string& subprotocol() const = 0;
};

/// Throws api_error when the server refuses (Forbidden names create and get on pods/exec).
std::unique_ptr<ExecStream> open_exec(Client& client, const ExecOptions& options);

}  // namespace backup::kube
