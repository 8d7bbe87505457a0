// SPDX-License-Identifier: Apache-2.0
#include "tests/support/loopback.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/net/http_head.hpp"
#include "core/net/websocket.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace backup::testing {

namespace {

class SocketConnection : public net::Connection {
  public:
    explicit SocketConnection(FileDescriptor socket) : socket_(std::move(socket)) {
        ::fcntl(socket_.get(), F_SETFL, O_NONBLOCK);
    }

    std::size_t try_send(ByteView bytes) override {
        const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) {
            throw system_error(errno, "send");
        }
        return sent < 0 ? 0 : static_cast<std::size_t>(sent);
    }

    std::optional<std::size_t> try_receive(std::span<std::byte> buffer) override {
        const auto received = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (received < 0 && errno == EAGAIN) {
            return std::nullopt;
        }
        if (received < 0) {
            throw system_error(errno, "recv");
        }
        return static_cast<std::size_t>(received);
    }

    int socket() const override { return socket_.get(); }

  private:
    FileDescriptor socket_;
};

std::uint64_t load_be(ByteView bytes) {
    std::uint64_t value = 0;
    for (const auto byte : bytes) {
        value = (value << 8U) | std::to_integer<std::uint64_t>(byte);
    }
    return value;
}

}  // namespace

std::string Peer::read_until(std::string_view end) {
    std::size_t found = 0;
    while ((found = pending_.find(end)) == std::string::npos) {
        std::array<std::byte, 4096> buffer;
        const auto count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (count <= 0) {
            throw Error(ErrorCode::Io, "the other side has closed");
        }
        pending_ += as_text(ByteView(buffer).first(static_cast<std::size_t>(count)));
    }
    auto text = pending_.substr(0, found + end.size());
    pending_.erase(0, text.size());
    return text;
}

Bytes Peer::read_exactly(std::size_t count) {
    Bytes bytes(count);
    const auto early = std::min(count, pending_.size());
    std::memcpy(bytes.data(), pending_.data(), early);
    pending_.erase(0, early);
    const auto rest = std::span(bytes).subspan(early);
    if (read_up_to(socket_.get(), rest, "peer") != rest.size()) {
        throw Error(ErrorCode::Io, "the other side has closed");
    }
    return bytes;
}

void Peer::write(ByteView bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            throw Error(ErrorCode::Io, "the other side has closed");
        }
        bytes = bytes.subspan(static_cast<std::size_t>(sent));
    }
}

std::string Peer::accept_websocket(const std::string& subprotocol) {
    auto request = read_until("\r\n\r\n");
    const auto head = net::parse_http_head("HTTP/1.1 200 OK\r\n" + request);
    write(concat("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ",
                 net::websocket_accept(*net::find_header(head.headers, "sec-websocket-key")),
                 "\r\nSec-WebSocket-Protocol: ",
                 subprotocol,
                 "\r\n\r\n"));
    return request;
}

Peer::Frame Peer::read_frame() {
    const auto head = read_exactly(2);
    Frame frame;
    frame.opcode = std::to_integer<unsigned>(head[0]) & 0xfU;
    frame.is_final = (std::to_integer<unsigned>(head[0]) & 0x80U) != 0;
    frame.was_masked = (std::to_integer<unsigned>(head[1]) & 0x80U) != 0;
    std::uint64_t size = std::to_integer<unsigned>(head[1]) & 0x7fU;
    if (size >= 126) {
        size = load_be(read_exactly(size == 126 ? 2 : 8));
    }
    const auto key = frame.was_masked ? read_exactly(4) : Bytes(4);
    frame.payload = read_exactly(size);
    for (std::size_t i = 0; i < frame.payload.size(); ++i) {
        frame.payload[i] ^= key[i % 4];
    }
    return frame;
}

void Peer::write_frame(unsigned first_byte, ByteView payload) {
    Bytes frame{static_cast<std::byte>(first_byte)};
    const auto size = payload.size();
    if (size < 126) {
        frame.push_back(static_cast<std::byte>(size));
    } else {
        frame.push_back(std::byte{127});
        for (std::size_t i = 8; i-- > 0;) {
            frame.push_back(static_cast<std::byte>((size >> (8 * i)) & 0xffU));
        }
    }
    append(frame, payload);
    write(frame);
}

void Peer::write_channel(unsigned channel, std::string_view text) {
    Bytes payload{static_cast<std::byte>(channel)};
    append(payload, as_bytes(text));
    write_frame(0x82, payload);
}

std::unique_ptr<net::Connection> connect_to(TaskGroup& group, std::function<void(Peer&)> script) {
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
        throw system_error(errno, "socketpair");
    }
    auto peer = std::make_shared<Peer>(FileDescriptor(pair[1]));
    group.start([peer, script = std::move(script)](const std::stop_token&) {
        script(*peer);
        peer->close();
    });
    return std::make_unique<SocketConnection>(FileDescriptor(pair[0]));
}

LoopbackServer::LoopbackServer(std::function<void(Peer&)> script)
    : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_.get(), 16) != 0) {
        throw system_error(errno, "listen");
    }
    thread_.start([this, script = std::move(script)](const std::stop_token&) { serve(script); });
}

LoopbackServer::~LoopbackServer() {
    thread_.request_stop();
    ::shutdown(listener_.get(), SHUT_RDWR);
}

std::string LoopbackServer::url() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    return concat("http://127.0.0.1:", ntohs(address.sin_port));
}

void LoopbackServer::serve(const std::function<void(Peer&)>& script) {
    while (true) {
        FileDescriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!socket) {
            return;
        }
        ++connections_;
        Peer peer(std::move(socket));
        static_cast<void>(failure_of([&] { script(peer); }));
    }
}

}  // namespace backup::testing
