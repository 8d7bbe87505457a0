// SPDX-License-Identifier: Apache-2.0
#include "core/net/websocket.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/net/http_head.hpp"
#include "core/net/sha1.hpp"
#include "core/net/socket_wait.hpp"
#include "core/net/url.hpp"

#include <algorithm>

namespace backup::net {

namespace {

constexpr std::size_t kReceiveBytes = 64U << 10U;
// One TLS record: what does not fit into the socket must be offered again unchanged.
constexpr std::size_t kSendBytes = 16U << 10U;
constexpr std::size_t kLongestRefusal = 1U << 20U;

std::string handshake_text(const WebSocketRequest& request,
                           const Url& url,
                           const std::string& key) {
    auto text = concat("GET ",
                       url.path.empty() ? "/" : url.path,
                       " HTTP/1.1\r\nHost: ",
                       url.authority(),
                       "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n",
                       "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ",
                       key,
                       "\r\n");
    if (!request.subprotocols.empty()) {
        text += concat("Sec-WebSocket-Protocol: ", join(request.subprotocols, ", "), "\r\n");
    }
    for (const auto& [name, value] : request.headers) {
        if ((name + value).find_first_of("\r\n") != std::string::npos) {
            throw Error(ErrorCode::InvalidArgument, "a line break in HTTP header " + name);
        }
        text += concat(name, ": ", value, "\r\n");
    }
    return text + "\r\n";
}

void check_handshake(const Response& head,
                     const WebSocketRequest& request,
                     const std::string& key) {
    const auto* accept = find_header(head.headers, "sec-websocket-accept");
    if (accept == nullptr || *accept != websocket_accept(key)) {
        throw Error(
            ErrorCode::CorruptData,
            "a wrong Sec-WebSocket-Accept: a proxy in between does not understand WebSocket");
    }
    const auto* chosen = find_header(head.headers, "sec-websocket-protocol");
    if (chosen != nullptr &&
        std::find(request.subprotocols.begin(), request.subprotocols.end(), *chosen) ==
            request.subprotocols.end()) {
        throw Error(ErrorCode::CorruptData,
                    concat("the server chose WebSocket protocol '",
                           printable(*chosen),
                           "', which was not offered"));
    }
}

/// The handshake on the wire: blocking by poll, up to a deadline.
class Handshake {
  public:
    Handshake(Connection& connection, const WebSocketRequest& request)
        : connection_(connection),
          wait_(request.stop, request.timeout) {}

    void send(ByteView bytes) {
        while (!bytes.empty()) {
            const auto sent = connection_.try_send(bytes);
            bytes = bytes.subspan(sent);
            if (sent == 0) {
                wait_.until_writable(connection_.socket());
            }
        }
    }

    /// False at the end of the connection.
    bool receive_more() {
        Bytes buffer(kReceiveBytes);
        auto received = connection_.try_receive(buffer);
        while (!received) {
            wait_.until_readable(connection_.socket());
            received = connection_.try_receive(buffer);
        }
        text_.append(as_text(ByteView(buffer).first(*received)));
        return *received != 0;
    }

    Response read_head() {
        std::size_t end = std::string::npos;
        while ((end = text_.find("\r\n\r\n")) == std::string::npos) {
            if (text_.size() > kLongestRefusal || !receive_more()) {
                throw Error(ErrorCode::ClusterUnreachable,
                            "the server ended the connection during the WebSocket handshake")
                    .retryable();
            }
        }
        auto head = parse_http_head(std::string_view(text_).substr(0, end + 4));
        text_.erase(0, end + 4);
        return head;
    }

    /// The body of a refusal, as far as it comes: it only serves to explain.
    std::string read_body(const Headers& headers) {
        const auto* length_text = find_header(headers, "content-length");
        const bool is_number = length_text != nullptr && !length_text->empty() &&
                               length_text->size() < 8 &&
                               length_text->find_first_not_of("0123456789") == std::string::npos;
        const auto length = is_number ? std::stoul(*length_text) : kLongestRefusal;
        const auto* encoding = find_header(headers, "transfer-encoding");
        const bool is_chunked = encoding != nullptr && to_lower(*encoding) == "chunked";
        while (text_.size() < length && text_.size() < kLongestRefusal &&
               !(is_chunked && text_.ends_with("0\r\n\r\n"))) {
            if (!receive_more()) {
                break;
            }
        }
        return is_chunked ? join_http_chunks(text_) : text_.substr(0, length);
    }

    Bytes rest() const { return to_bytes(as_bytes(text_)); }

  private:
    Connection& connection_;
    SocketWait wait_;
    std::string text_;
};

}  // namespace

WebSocket::WebSocket(std::unique_ptr<Connection> connection, std::string subprotocol, Bytes early)
    : connection_(std::move(connection)),
      subprotocol_(std::move(subprotocol)),
      buffer_(std::move(early)),
      unread_(buffer_) {}

void WebSocket::queue(Bytes frame) {
    queued_bytes_ += frame.size();
    outgoing_.push_back(std::move(frame));
}

bool WebSocket::flush() {
    bool moved = false;
    while (!outgoing_.empty()) {
        const auto rest = ByteView(outgoing_.front()).subspan(sent_of_first_);
        const auto sent = connection_->try_send(rest.first(std::min(rest.size(), kSendBytes)));
        if (sent == 0) {
            return moved;
        }
        moved = true;
        queued_bytes_ -= sent;
        sent_of_first_ += sent;
        if (sent_of_first_ == outgoing_.front().size()) {
            outgoing_.pop_front();
            sent_of_first_ = 0;
        }
    }
    return moved;
}

std::optional<Message> WebSocket::receive() {
    while (!is_closed_) {
        if (auto message = decoder_.decode(unread_)) {
            if (message->opcode != Opcode::Ping) {
                return message;
            }
            queue(encode_client_frame(Opcode::Pong, message->payload, {}, make_mask_key(random_)));
            continue;
        }
        buffer_.resize(kReceiveBytes);
        const auto received = connection_->try_receive(buffer_);
        if (!received) {
            unread_ = {};
            return std::nullopt;
        }
        is_closed_ = *received == 0;
        received_bytes_ += *received;
        unread_ = ByteView(buffer_).first(*received);
    }
    return std::nullopt;
}

MaskKey make_mask_key(Random& random) {
    MaskKey key;
    random.fill(key);
    return key;
}

WebSocketAnswer open_websocket(HttpTransport& transport, const WebSocketRequest& request) {
    const auto url = parse_url(request.url);
    auto connection = transport.connect({request.url, request.stop});
    SystemRandom random;
    const auto key = to_base64(random.bytes(16));
    Handshake handshake(*connection, request);
    handshake.send(as_bytes(handshake_text(request, url, key)));
    auto head = handshake.read_head();
    if (head.status != 101) {
        head.body = handshake.read_body(head.headers);
        return {nullptr, std::move(head)};
    }
    check_handshake(head, request, key);
    const auto* chosen = find_header(head.headers, "sec-websocket-protocol");
    return {std::make_unique<WebSocket>(
                std::move(connection), chosen == nullptr ? "" : *chosen, handshake.rest()),
            {}};
}

std::string websocket_accept(std::string_view key) {
    return to_base64(sha1(as_bytes(concat(key, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))));
}

}  // namespace backup::net
