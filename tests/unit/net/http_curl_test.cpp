// SPDX-License-Identifier: Apache-2.0
#include "core/net/http_curl.hpp"

#include "core/base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/loopback.hpp"

#include <algorithm>

using namespace backup;
using namespace backup::net;
using testing::error_code_of;
using testing::LoopbackServer;
using testing::Peer;

namespace {

std::string answer_of(std::string_view body, std::string_view headers = "") {
    return concat(
        "HTTP/1.1 200 OK\r\nContent-Length: ", body.size(), "\r\n", headers, "\r\n", body);
}

Request to(const LoopbackServer& server, std::string path = "/") {
    Request request;
    request.url = server.url() + path;
    return request;
}

}  // namespace

TEST_CASE("an exchange, and the connection is used again") {
    std::vector<std::string> seen;
    LoopbackServer server([&](Peer& peer) {
        while (true) {
            seen.push_back(peer.read_until("\r\n\r\n"));
            peer.write(answer_of("hello", "X-Two: 2\r\n"));
        }
    });
    TransportOptions options;
    options.user_agent = "test/1";
    const auto transport = make_curl_transport(options);
    auto request = to(server, "/a?b=c");
    request.headers = {{"Authorization", "Bearer t"}};
    for (int i = 0; i < 3; ++i) {
        const auto response = transport->send(request);
        CHECK(response.status == 200);
        CHECK(response.body == "hello");
        CHECK(*find_header(response.headers, "x-two") == "2");
    }
    CHECK(server.connections() == 1);
    CHECK_THAT(seen.at(0), testing::starts_with("GET /a?b=c HTTP/1.1\r\n"));
    CHECK_THAT(seen.at(0), testing::contains("\r\nAuthorization: Bearer t\r\n"));
    CHECK_THAT(seen.at(0), testing::contains("\r\nUser-Agent: test/1\r\n"));
    CHECK_THAT(seen.at(0), testing::contains("\r\nAccept-Encoding: gzip\r\n"));
}

TEST_CASE("methods with a body") {
    const auto method = GENERATE(as<std::string>{}, "POST", "PUT", "PATCH", "DELETE");
    std::string head;
    std::string body;
    LoopbackServer server([&](Peer& peer) {
        head = peer.read_until("\r\n\r\n");
        body = as_text(peer.read_exactly(4));
        peer.write("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno");
    });
    TransportOptions options;
    options.compression = false;
    auto request = to(server);
    request.method = method;
    request.body = "body";
    const auto response = make_curl_transport(options)->send(request);
    CHECK(response.status == 404);
    CHECK(response.body == "no");
    CHECK(body == "body");
    CHECK_THAT(head, testing::starts_with(method + " / "));
    CHECK_THAT(head, !testing::contains("Accept-Encoding"));
    CHECK_THAT(head, !testing::contains("Expect"));
}

TEST_CASE("a body comes in pieces, and reading can end early") {
    LoopbackServer server([](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
        peer.read_exactly(1);  // until the client leaves
    });
    std::string seen;
    const auto response = make_curl_transport({})->send(to(server), [&](ByteView bytes) {
        seen += as_text(bytes);
        return false;
    });
    CHECK(response.status == 200);
    CHECK(response.body.empty());
    CHECK(seen == "abc");
}

TEST_CASE("an error body is kept when the good one would stream") {
    LoopbackServer server([](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.write("HTTP/1.1 410 Gone\r\nContent-Length: 4\r\n\r\ngone");
    });
    bool was_called = false;
    const auto response = make_curl_transport({})->send(to(server), [&](ByteView) {
        was_called = true;
        return true;
    });
    CHECK(response.status == 410);
    CHECK(response.body == "gone");
    CHECK_FALSE(was_called);
}

TEST_CASE("what the reader throws comes out") {
    LoopbackServer server([](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.write(answer_of("abc"));
    });
    CHECK(error_code_of([&] {
              return make_curl_transport({})->send(
                  to(server), [](ByteView) -> bool { throw Error(ErrorCode::NoSpace, "full"); });
          }) == ErrorCode::NoSpace);
}

TEST_CASE("a body over the limit is refused") {
    LoopbackServer server([](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.write(answer_of(std::string(100'000, 'x')));
    });
    auto request = to(server);
    request.response_limit_bytes = 99'999;
    CHECK(error_code_of([&] { return make_curl_transport({})->send(request); }) ==
          ErrorCode::Unsupported);
}

TEST_CASE("a cut body and a silent close are retryable errors") {
    const auto text =
        GENERATE(as<std::string>{}, "", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    LoopbackServer server([&](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.write(text);
    });
    const auto error = testing::error_of([&] { return make_curl_transport({})->send(to(server)); });
    CHECK(error.code() == ErrorCode::ClusterUnreachable);
    CHECK(error.is_retryable());
}

TEST_CASE("nobody listens") {
    std::string url;
    {
        const LoopbackServer server([](Peer&) {});
        url = server.url();
    }
    Request request;
    request.url = url;
    const auto error = testing::error_of([&] { return make_curl_transport({})->send(request); });
    CHECK(error.code() == ErrorCode::ClusterUnreachable);
    CHECK_THAT(std::string(error.what()), testing::contains(url.substr(7)));
    CHECK_FALSE(error.hint().empty());
}

TEST_CASE("a server that does not answer in time") {
    LoopbackServer server([](Peer& peer) { peer.read_exactly(1'000'000); });
    auto request = to(server);
    request.timeout = std::chrono::seconds(1);
    CHECK(error_code_of([&] { return make_curl_transport({})->send(request); }) ==
          ErrorCode::TimedOut);
}

TEST_CASE("a server that accepts and never speaks TLS is not reachable") {
    LoopbackServer server([](Peer& peer) { peer.read_exactly(1'000'000); });
    auto request = to(server);
    request.url.replace(0, 4, "https");
    request.timeout = std::chrono::milliseconds(200);
    CHECK(error_code_of([&] { return make_curl_transport({})->send(request); }) ==
          ErrorCode::ClusterUnreachable);
}

TEST_CASE("stop ends an exchange at once") {
    // Who misses it looks again after a second, every time; on a busy machine one try may take
    // long.
    auto fastest = std::chrono::steady_clock::duration::max();
    for (int i = 0; i < 5 && fastest >= std::chrono::seconds(1); ++i) {
        std::stop_source stop;
        LoopbackServer server([&](Peer& peer) {
            peer.read_until("\r\n\r\n");
            stop.request_stop();
            peer.read_exactly(1'000'000);
        });
        auto request = to(server);
        request.stop = stop.get_token();
        const auto begin = std::chrono::steady_clock::now();
        CHECK(error_code_of([&] { return make_curl_transport({})->send(request); }) ==
              ErrorCode::Interrupted);
        fastest = std::min(fastest, std::chrono::steady_clock::now() - begin);
    }
    CHECK(fastest < std::chrono::seconds(1));
}

TEST_CASE("a raw connection carries bytes both ways") {
    LoopbackServer server([](Peer& peer) {
        peer.write(peer.read_until("\n") + "back\n");
        peer.close();
    });
    const auto connection = make_curl_transport({})->connect({server.url(), {}});
    const std::string hello = "hello\n";
    CHECK(connection->try_send(as_bytes(hello)) == hello.size());
    std::string seen;
    Bytes buffer(100);
    for (auto count = connection->try_receive(buffer); !count || *count != 0;
         count = connection->try_receive(buffer)) {
        seen += as_text(ByteView(buffer).first(count.value_or(0)));
    }
    CHECK(seen == "hello\nback\n");
}
