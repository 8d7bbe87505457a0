// SPDX-License-Identifier: Apache-2.0
// A WebSocket client (RFC 6455) over an HTTP/1.1 connection, for one thread that polls. Other
// threads hand that thread finished frames (encode_client_frame), so masking is their work.
#pragma once

#include "core/base/random.hpp"
#include "core/net/http.hpp"
#include "core/net/websocket_frame.hpp"

#include <deque>

namespace backup::net {

class WebSocket {
  public:
    /// `early` holds bytes that came with the answer to the handshake.
    WebSocket(std::unique_ptr<Connection> connection, std::string subprotocol, Bytes early);

    /// What the server chose; empty when it chose none.
    const std::string& subprotocol() const { return subprotocol_; }

    /// Puts a whole client frame behind those that wait.
    void queue(Bytes frame);

    std::size_t queued_bytes() const { return queued_bytes_; }

    /// Sends what the socket takes; never blocks. Errors as in Connection. True: bytes went out.
    bool flush();

    /// The next whole message that has arrived. Pings are answered here (queued) and not returned;
    /// pongs and the close frame are. Empty: nothing more for now, or is_closed().
    std::optional<Message> receive();

    /// The peer has closed the connection.
    bool is_closed() const { return is_closed_; }

    /// Bytes read off the socket so far: a sign of life.
    std::uint64_t received_bytes() const { return received_bytes_; }

    int socket() const { return connection_->socket(); }

  private:
    std::unique_ptr<Connection> connection_;
    std::string subprotocol_;
    FrameDecoder decoder_;
    Bytes buffer_;
    ByteView unread_;
    std::deque<Bytes> outgoing_;
    std::size_t sent_of_first_ = 0;
    std::size_t queued_bytes_ = 0;
    std::uint64_t received_bytes_ = 0;
    bool is_closed_ = false;
    SystemRandom random_;
};

/// A fresh random masking key.
MaskKey make_mask_key(Random& random);

struct WebSocketRequest {
    std::string url;  // http or https
    Headers headers;  // authorization and the like
    std::vector<std::string> subprotocols;
    std::chrono::milliseconds timeout{60'000};
    std::stop_token stop;
};

/// Either the socket, or the HTTP answer with which the server refused.
struct WebSocketAnswer {
    std::unique_ptr<WebSocket> socket;
    Response refusal;
};

/// Throws as HttpTransport::connect; CorruptData for an answer that is no HTTP or a wrong
/// handshake.
WebSocketAnswer open_websocket(HttpTransport& transport, const WebSocketRequest& request);

/// Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 section 4.2.2).
std::string websocket_accept(std::string_view key);

}  // namespace backup::net
