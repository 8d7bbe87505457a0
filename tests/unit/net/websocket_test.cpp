// SPDX-License-Identifier: Apache-2.0
#include "core/net/websocket.hpp"

#include "core/net/socket_wait.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/fake_transport.hpp"
#include "tests/support/loopback.hpp"

#include <poll.h>

using namespace backup;
using namespace backup::net;
using testing::error_code_of;
using testing::FakeTransport;
using testing::Peer;

namespace {

/// A socket opened to a scripted server.
struct Opened {
    explicit Opened(std::function<void(Peer&)> script) {
        FakeTransport fake;
        fake.on_connect([&] { return testing::connect_to(group, std::move(script)); });
        const auto transport = fake.maker()({});
        answer = open_websocket(*transport, request());
    }

    static WebSocketRequest request() {
        WebSocketRequest request;
        request.url = "https://kube:6443/api/v1/exec?command=a";
        request.subprotocols = {"v5.channel.k8s.io", "v4.channel.k8s.io"};
        request.headers = {{"Authorization", "Bearer t"}};
        return request;
    }

    std::optional<Message> next() const {
        const WakeUp wake;
        while (!answer.socket->is_closed()) {
            if (auto message = answer.socket->receive()) {
                return message;
            }
            answer.socket->flush();
            poll_socket(answer.socket->socket(), POLLIN, wake, std::chrono::seconds(5));
        }
        return std::nullopt;
    }

    TaskGroup group;
    WebSocketAnswer answer;
};

}  // namespace

TEST_CASE("the handshake says what RFC 6455 wants") {
    std::string request;
    Opened opened([&](Peer& peer) { request = peer.accept_websocket("v4.channel.k8s.io"); });
    opened.group.wait();
    REQUIRE(opened.answer.socket);
    CHECK(opened.answer.socket->subprotocol() == "v4.channel.k8s.io");
    CHECK_THAT(request, testing::starts_with("GET /api/v1/exec?command=a HTTP/1.1\r\n"));
    CHECK_THAT(request, testing::contains("\r\nHost: kube:6443\r\n"));
    CHECK_THAT(
        request,
        testing::contains("\r\nSec-WebSocket-Protocol: v5.channel.k8s.io, v4.channel.k8s.io\r\n"));
    CHECK_THAT(request, testing::contains("\r\nAuthorization: Bearer t\r\n"));
}

TEST_CASE("bytes that come with the answer are not lost") {
    Opened opened([](Peer& peer) {
        const auto request = peer.read_until("\r\n\r\n");
        const auto key = request.substr(request.find("Key: ") + 5, 24);
        peer.write("HTTP/1.1 101 x\r\nSec-WebSocket-Accept: " + websocket_accept(key) +
                   "\r\n\r\n\x82\x02\x01x");
    });
    const auto message = opened.next();
    REQUIRE(message);
    CHECK(as_text(message->payload) == "\x01x");
    CHECK_FALSE(opened.next());
    CHECK(opened.answer.socket->is_closed());
}

TEST_CASE("a refusal comes with status and body") {
    const auto [text, body] = GENERATE(table<std::string, std::string>(
        {{"Content-Length: 3\r\n\r\nabc", "abc"},
         {"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", "ab"},
         {"\r\nuntil the end", "until the end"}}));
    Opened opened([text = text](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.write("HTTP/1.1 403 Forbidden\r\n" + text);
    });
    CHECK_FALSE(opened.answer.socket);
    CHECK(opened.answer.refusal.status == 403);
    CHECK(opened.answer.refusal.body == body);
}

TEST_CASE("a wrong accept value or protocol is an error") {
    const auto lines =
        GENERATE(as<std::string>{}, "Sec-WebSocket-Accept: AAAA\r\n", "", "protocol");
    CHECK(error_code_of([&] {
              return Opened([&](Peer& peer) {
                         if (lines == "protocol") {
                             peer.accept_websocket("v9");
                         } else {
                             peer.read_until("\r\n\r\n");
                             peer.write("HTTP/1.1 101 x\r\n" + lines + "\r\n");
                         }
                     })
                  .answer.refusal.status;
          }) == ErrorCode::CorruptData);
}

TEST_CASE("a server that hangs up in the handshake") {
    CHECK(error_code_of([] {
              return Opened([](Peer& peer) {
                         peer.read_until("\r\n\r\n");
                         peer.write("HTTP/1.1 10");
                     })
                  .answer.refusal.status;
          }) == ErrorCode::ClusterUnreachable);
}

TEST_CASE("stop ends a handshake that hangs") {
    std::stop_source stop;
    TaskGroup group;
    FakeTransport fake;
    fake.on_connect([&] {
        return testing::connect_to(group, [&](Peer& peer) {
            peer.read_until("\r\n\r\n");
            stop.request_stop();
            static_cast<void>(failure_of([&] { peer.read_exactly(1); }));
        });
    });
    const auto transport = fake.maker()({});
    auto request = Opened::request();
    request.stop = stop.get_token();
    CHECK(error_code_of([&] { return open_websocket(*transport, request).refusal.status; }) ==
          ErrorCode::Interrupted);
}

TEST_CASE("pings are answered, and everything sent is masked and whole") {
    std::vector<Peer::Frame> frames;
    Opened opened([&](Peer& peer) {
        peer.accept_websocket("v5.channel.k8s.io");
        peer.write_frame(0x89, as_bytes("are you there"));
        frames.push_back(peer.read_frame());
        peer.write_frame(0x82, as_bytes("done"));
    });
    CHECK(as_text(opened.next().value().payload) == "done");
    opened.group.wait();
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].opcode == 0xa);
    CHECK(frames[0].was_masked);
    CHECK(frames[0].is_final);
    CHECK(as_text(frames[0].payload) == "are you there");
}
