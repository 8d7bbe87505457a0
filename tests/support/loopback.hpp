// SPDX-License-Identifier: Apache-2.0
// The other side of a connection, played by a test in a thread of its own: a pair of sockets, or a
// listening socket on 127.0.0.1.
#pragma once

#include "core/base/file_descriptor.hpp"
#include "core/base/task_group.hpp"
#include "core/net/http.hpp"

#include <atomic>
#include <functional>
#include <memory>

namespace backup::testing {

/// Blocking reads and writes on a socket; what a scripted server uses. Errors end its thread.
class Peer {
  public:
    explicit Peer(FileDescriptor socket) : socket_(std::move(socket)) {}

    /// Up to and with `end`; throws Io when the other side closes before.
    std::string read_until(std::string_view end);
    Bytes read_exactly(std::size_t count);
    void write(ByteView bytes);

    void write(std::string_view text) { write(as_bytes(text)); }

    void close() { socket_.close(); }

    /// Reads a WebSocket handshake and accepts it with the given subprotocol.
    /// Returns the request's text.
    std::string accept_websocket(const std::string& subprotocol);

    struct Frame {
        unsigned opcode = 0;
        bool was_masked = false;
        bool is_final = false;
        Bytes payload;
    };

    Frame read_frame();
    /// An unmasked server frame.
    void write_frame(unsigned first_byte, ByteView payload);
    /// A binary message of a Kubernetes channel.
    void write_channel(unsigned channel, std::string_view text);

  private:
    FileDescriptor socket_;
    std::string pending_;
};

/// A pair of sockets: the client's half as a Connection, the other served by `script` in `group`.
std::unique_ptr<net::Connection> connect_to(TaskGroup& group, std::function<void(Peer&)> script);

/// Listens on a free port of 127.0.0.1; `script` gets each connection, one after the other.
class LoopbackServer {
  public:
    explicit LoopbackServer(std::function<void(Peer&)> script);
    ~LoopbackServer();
    LoopbackServer(const LoopbackServer&) = delete;
    LoopbackServer& operator=(const LoopbackServer&) = delete;

    /// "http://127.0.0.1:PORT".
    std::string url() const;

    int connections() const { return connections_; }

  private:
    void serve(const std::function<void(Peer&)>& script);

    FileDescriptor listener_;
    std::atomic<int> connections_ = 0;
    TaskGroup thread_;
};

}  // namespace backup::testing
