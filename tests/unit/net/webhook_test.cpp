// SPDX-License-Identifier: Apache-2.0
#include "core/net/webhook.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/net/http_curl.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_transport.hpp"
#include "tests/support/loopback.hpp"

using namespace backup;
using namespace backup::net;
using namespace std::chrono_literals;
using testing::FakeClock;
using testing::FakeTransport;
using testing::LoopbackServer;
using testing::Peer;

namespace {

constexpr auto kLong = 60'000ms;

WebhookOptions quick() {
    WebhookOptions options;
    options.retry = {4, 1ms, 1ms};
    return options;
}

/// A webhook over a script; `clock` stands still.
struct Scripted {
    FakeTransport server;
    FakeClock clock;
    Webhook webhook{
        parse_webhook("https://u:p@hook/secret-path"), server.maker()({}), clock, quick()};

    std::vector<std::string> post() {
        webhook.post("{}", kLong);
        return webhook.finish();
    }
};

}  // namespace

TEST_CASE("credentials leave the URL and become a header") {
    const auto target = parse_webhook("https://me:p%40ss@hooks.example.org:8443/a/b?c=d#e");
    CHECK(target.url == "https://hooks.example.org:8443/a/b?c=d");
    CHECK(target.authorization == "Basic bWU6cEBzcw==");
    CHECK(target.shown == "https://hooks.example.org:8443");
    CHECK(parse_webhook("http://h/x").authorization.empty());
    CHECK(parse_webhook("http://me@h").authorization == "Basic bWU6");
    CHECK(parse_webhook("http://h/@x").url == "http://h/@x");
    CHECK(parse_webhook("http://a%zz%4@h/").authorization == "Basic YSV6eiU0Og==");
}

TEST_CASE("a URL that is none is not repeated") {
    for (const auto* text : {"",
                             "hooks.example.org",
                             "ftp://me:secret@host/",
                             "https://me:secret@",
                             "https://h:port-secret/",
                             "https://h/se cret",
                             "://secret"}) {
        INFO(text);
        const auto error = testing::error_of([&] { return parse_webhook(text); });
        CHECK(error.code() == ErrorCode::InvalidArgument);
        CHECK(std::string(error.what()).find("secret") == std::string::npos);
        CHECK(std::string(error.hint()).find("secret") == std::string::npos);
    }
}

TEST_CASE("JSON arrives at a real server, with what it needs") {
    std::string head;
    std::string body;
    LoopbackServer server([&](Peer& peer) {
        head = peer.read_until("\r\n\r\n");
        body = as_text(peer.read_exactly(9));
        peer.write("HTTP/1.1 204 No Content\r\n\r\n");
    });
    auto url = server.url() + "/ping/1";
    url.insert(url.find("://") + 3, "me:pass@");
    FakeClock clock;
    TransportOptions options;
    options.user_agent = "test/1";
    Webhook webhook(parse_webhook(url), make_curl_transport(options), clock, quick());
    webhook.post(R"({"a":"b"})", kLong);
    CHECK(webhook.finish().empty());
    CHECK(body == R"({"a":"b"})");
    CHECK_THAT(head, testing::starts_with("POST /ping/1 HTTP/1.1\r\n"));
    CHECK_THAT(head, testing::contains("\r\nAuthorization: Basic bWU6cGFzcw==\r\n"));
    CHECK_THAT(head, testing::contains("\r\nContent-Type: application/json\r\n"));
}

TEST_CASE("a server that fails at first is asked again") {
    int asked = 0;
    LoopbackServer server([&](Peer& peer) {
        peer.read_until("\r\n\r\n");
        ++asked;
        if (asked == 1) {
            peer.close();
            return;
        }
        peer.write(concat("HTTP/1.1 ",
                          asked == 2 ? "503 Busy" : "200 OK",
                          "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
    });
    FakeClock clock;
    Webhook webhook(parse_webhook(server.url()), make_curl_transport({}), clock, quick());
    webhook.post("{}", kLong);
    CHECK(webhook.finish().empty());
    CHECK(asked == 3);
}

TEST_CASE("refusals are final, other failures are not, and neither is endless") {
    const auto [status, attempts] = GENERATE(table<int, std::size_t>(
        {{400, 1}, {401, 1}, {404, 1}, {302, 1}, {408, 4}, {429, 4}, {500, 4}, {503, 4}}));
    Scripted scene;
    scene.server.on("POST /secret-path", {status, "secret answer", {}, {}});
    const auto failures = scene.post();
    REQUIRE(failures.size() == 1);
    CHECK(failures[0] == concat("https://hook: it answered with HTTP status ", status));
    CHECK(scene.server.requests().size() == attempts);
    CHECK(scene.webhook.finish().empty());
}

TEST_CASE("the time is bounded, however slow the server is") {
    class SlowTransport : public HttpTransport {
      public:
        SlowTransport(FakeClock& clock, std::vector<std::chrono::milliseconds>& timeouts)
            : clock_(clock),
              timeouts_(timeouts) {}

        Response send(const Request& request, const OnBody&) override {
            timeouts_.push_back(request.timeout);
            clock_.advance(request.timeout);
            throw Error(ErrorCode::TimedOut, "no answer in time").retryable();
        }

        std::unique_ptr<Connection> connect(const ConnectRequest&) override { return nullptr; }

      private:
        FakeClock& clock_;
        std::vector<std::chrono::milliseconds>& timeouts_;
    };

    FakeClock clock;
    std::vector<std::chrono::milliseconds> timeouts;
    Webhook webhook(parse_webhook("https://hook/"),
                    std::make_unique<SlowTransport>(clock, timeouts),
                    clock,
                    quick());
    webhook.post("{}", 15'000ms);
    const auto failures = webhook.finish();
    CHECK(failures == std::vector<std::string>{"https://hook: no answer in time"});
    CHECK(timeouts == std::vector<std::chrono::milliseconds>{10'000ms, 5'000ms});
}

TEST_CASE("news replace what is still under way") {
    std::atomic<bool> is_first_there = false;
    std::string last;
    LoopbackServer server([&](Peer& peer) {
        peer.read_until("\r\n\r\n");
        last = as_text(peer.read_exactly(1));
        if (!is_first_there.exchange(true)) {
            is_first_there.notify_all();
            // Ends when the client gives up.
            peer.read_until("never");
            return;
        }
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    FakeClock clock;
    Webhook webhook(parse_webhook(server.url()), make_curl_transport({}), clock, quick());
    webhook.post("1", kLong);
    is_first_there.wait(false);
    webhook.post("2", kLong);
    CHECK(webhook.finish().empty());
    CHECK(last == "2");
}

TEST_CASE("a webhook that goes away takes its thread with it") {
    std::atomic<bool> is_there = false;
    LoopbackServer server([&](Peer& peer) {
        peer.read_until("\r\n\r\n");
        is_there = true;
        is_there.notify_all();
        peer.read_until("never");
    });
    FakeClock clock;
    {
        Webhook webhook(parse_webhook(server.url()), make_curl_transport({}), clock, quick());
        webhook.post("1", kLong);
        is_there.wait(false);
    }
    CHECK(server.connections() == 1);
}
