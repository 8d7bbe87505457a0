// SPDX-License-Identifier: Apache-2.0
#include "core/kube/exec_stream.hpp"

#include "core/base/random.hpp"
#include "core/base/task_group.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/loopback.hpp"
#include "tests/unit/kube/fake_cluster.hpp"

using namespace backup;
using namespace backup::kube;
using testing::error_code_of;
using testing::FakeCluster;
using testing::Peer;

namespace {

constexpr std::string_view kSuccess = R"({"metadata":{},"status":"Success"})";
constexpr std::string_view kSeven =
    R"({"status":"Failure","reason":"NonZeroExitCode",)"
    R"("details":{"causes":[{"reason":"ExitCode","message":"7"}]}})";

/// An exec stream to a command that the test plays.
struct Command {
    explicit Command(std::function<void(Peer&)> script,
                     ExecOptions options = {},
                     std::string subprotocol = "v5.channel.k8s.io") {
        cluster.fake.on_connect([&, script = std::move(script)] {
            return testing::connect_to(peer, [this, script, subprotocol](Peer& side) {
                request = side.accept_websocket(subprotocol);
                script(side);
            });
        });
        options.ns = "shop";
        options.pod = "web";
        options.container = "c";
        options.command = {"sh", "-c", "a b"};
        exec = open_exec(cluster.client, options);
    }

    std::string read_all() const {
        std::string text;
        Bytes buffer(1000);
        while (const auto count = exec->output().read(buffer)) {
            text += as_text(ByteView(buffer).first(count));
        }
        return text;
    }

    // In this order: the stream goes first, then the peer is joined, then what the peer writes to.
    std::string request;
    FakeCluster cluster;
    TaskGroup peer;
    std::unique_ptr<ExecStream> exec;
};

void end(Peer& peer, std::string_view status) {
    peer.write_channel(3, status);
    peer.write_frame(0x88, {});
}

}  // namespace

TEST_CASE("output, error text and exit code") {
    const Command command([](Peer& peer) {
        peer.write_channel(1, "");
        peer.write_channel(1, "hello ");
        peer.write_channel(2, "warn");
        peer.write_channel(1, "world");
        end(peer, kSeven);
    });
    CHECK(command.read_all() == "hello world");
    CHECK(command.exec->wait() == 7);
    CHECK(command.exec->error_text() == "warn");
    CHECK_THAT(command.request,
               testing::starts_with("GET /api/v1/namespaces/shop/pods/web/exec?container=c&"
                                    "command=sh&command=-c&command=a%20b&stdin=true&stdout=true&"
                                    "stderr=true HTTP/1.1\r\n"));
    CHECK_THAT(command.request, testing::contains("v5.channel.k8s.io, v4.channel.k8s.io"));
}

TEST_CASE("output that comes behind the status is not lost") {
    const Command command([](Peer& peer) {
        peer.write_channel(3, kSuccess);
        peer.write_channel(1, "late");
        peer.write_frame(0x88, {});
    });
    CHECK(command.read_all() == "late");
    CHECK(command.exec->wait() == 0);
}

TEST_CASE("input arrives on channel 0, masked and whole; v5 can close it") {
    std::vector<Peer::Frame> frames;
    const Command command([&](Peer& peer) {
        frames.push_back(peer.read_frame());
        frames.push_back(peer.read_frame());
        end(peer, kSuccess);
    });
    command.exec->input().write(as_bytes("data"));
    CHECK(command.exec->can_close_input());
    CHECK(command.exec->close_input());
    CHECK(command.exec->wait() == 0);
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].was_masked);
    CHECK(frames[0].is_final);
    CHECK(as_text(frames[0].payload) == std::string_view("\0data", 5));
    CHECK(to_hex(frames[1].payload) == "ff00");
}

TEST_CASE("the input of a command that has ended needs no end") {
    SECTION("well") {
        const Command command([](Peer& peer) { end(peer, kSuccess); });
        CHECK(command.exec->wait() == 0);
        CHECK(command.exec->close_input());
        CHECK(command.read_all().empty());
    }
    SECTION("with its connection: what came before is still there") {
        Command command([](Peer& peer) { peer.write_channel(1, "half"); });
        command.peer.wait();
        Bytes buffer(1000);
        CHECK_NOTHROW(command.exec->close_input());
        CHECK(command.exec->output().read(buffer) == 4);
        CHECK_THROWS_AS(command.exec->output().read(buffer), Error);
    }
}

TEST_CASE("v4 has no way to close the input") {
    const Command command([](Peer& peer) { end(peer, kSuccess); }, {}, "v4.channel.k8s.io");
    CHECK(command.exec->subprotocol() == "v4.channel.k8s.io");
    CHECK_FALSE(command.exec->can_close_input());
    CHECK_FALSE(command.exec->close_input());
    CHECK(command.exec->wait() == 0);
}

TEST_CASE("an end without a status is never a success") {
    const auto how = GENERATE(as<std::string>{}, "close frame", "connection");
    const Command command([&](Peer& peer) {
        peer.write_channel(1, "part");
        if (how == "close frame") {
            peer.write_frame(0x88, {});
        }
    });
    Bytes buffer(100);
    CHECK(command.exec->output().read(buffer) == 4);
    CHECK(error_code_of([&] { return command.exec->output().read(buffer); }) ==
          ErrorCode::ExecFailed);
    CHECK(error_code_of([&] { return command.exec->wait(); }) == ErrorCode::ExecFailed);
}

TEST_CASE("a command that could not be run") {
    const Command command([](Peer& peer) {
        end(peer, R"({"status":"Failure","reason":"InternalError","message":"no such file"})");
    });
    const auto error = testing::error_of([&] { return command.read_all(); });
    CHECK(error.code() == ErrorCode::ExecFailed);
    CHECK_THAT(std::string(error.what()), testing::contains("no such file"));
    CHECK(error_code_of([&] { return command.exec->wait(); }) == ErrorCode::ExecFailed);
}

TEST_CASE("writing to a command that has ended") {
    const Command command([](Peer& peer) { end(peer, kSuccess); });
    CHECK(command.read_all().empty());
    CHECK(error_code_of([&] {
              command.exec->input().write(as_bytes("x"));
              return 0;
          }) == ErrorCode::ExecFailed);
    CHECK(command.exec->wait() == 0);
}

TEST_CASE("a refusal says what is missing") {
    TaskGroup peer;
    FakeCluster cluster;
    cluster.fake.on_connect([&] {
        return testing::connect_to(peer, [](Peer& side) {
            side.read_until("\r\n\r\n");
            side.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n{}");
        });
    });
    ExecOptions options;
    options.ns = "shop";
    options.pod = "web";
    const auto error = testing::error_of([&] { return open_exec(cluster.client, options); });
    CHECK(error.code() == ErrorCode::Forbidden);
    CHECK_THAT(std::string(error.hint()), testing::contains("pods/exec"));
}

TEST_CASE("a server that is too busy for a stream is given the time it asks for") {
    TaskGroup peer;
    FakeCluster cluster;
    int connections = 0;
    int busy = 2;
    cluster.fake.on_connect([&] {
        const bool is_busy = connections++ < busy;
        return testing::connect_to(peer, [is_busy](Peer& side) {
            if (is_busy) {
                side.read_until("\r\n\r\n");
                side.write(
                    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 2\r\n"
                    "\r\n{}");
            } else {
                side.accept_websocket("v5.channel.k8s.io");
                end(side, kSuccess);
            }
        });
    });
    ExecOptions options;
    options.ns = "shop";
    options.pod = "web";
    SECTION("and then it opens") {
        CHECK(open_exec(cluster.client, options)->wait() == 0);
        CHECK(connections == 3);
        CHECK(cluster.slept >= std::chrono::seconds(14));
    }
    SECTION("but not for ever") {
        busy = 1'000;
        CHECK(error_code_of([&] { return open_exec(cluster.client, options); }) ==
              ErrorCode::KubeThrottled);
        CHECK(connections == 11);
    }
}

TEST_CASE("stop ends a stream that waits") {
    std::stop_source stop;
    ExecOptions options;
    options.stop = stop.get_token();
    const Command command(
        [&](Peer& peer) {
            peer.read_frame();
            stop.request_stop();
            static_cast<void>(failure_of([&] { peer.read_exactly(1'000'000); }));
        },
        options);
    command.exec->input().write(as_bytes("go"));
    CHECK(error_code_of([&] { return command.read_all(); }) == ErrorCode::Interrupted);
}

TEST_CASE("leaving a stream alone ends it") {
    const Command command(
        [](Peer& peer) { static_cast<void>(failure_of([&] { peer.read_exactly(1'000'000); })); });
    CHECK(command.exec->can_close_input());
}

TEST_CASE("an idle stream is kept alive, a dead one is noticed") {
    ExecOptions options;
    options.ping_interval = std::chrono::milliseconds(5);
    options.silence_limit = std::chrono::seconds(2);
    std::vector<Peer::Frame> frames;
    const Command command(
        [&](Peer& peer) {
            for (int i = 0; i < 3; ++i) {
                frames.push_back(peer.read_frame());
                peer.write_frame(0x8a, {});
            }
            // From now on silent.
            static_cast<void>(failure_of([&] { peer.read_exactly(1'000'000); }));
        },
        options);
    const auto error = testing::error_of([&] { return command.read_all(); });
    CHECK(error.code() == ErrorCode::ExecFailed);
    CHECK_THAT(std::string(error.what()), testing::contains("no sign of life"));
    REQUIRE(frames.size() == 3);
    CHECK(frames[0].opcode == 9);
}

TEST_CASE("both directions full at once do not lock each other") {
    constexpr std::size_t kTotal = 32U << 20U;
    SystemRandom random;
    const auto data = random.bytes(kTotal);
    ExecOptions options;
    options.buffer_bytes = 256U << 10U;
    const Command command(
        [&](Peer& peer) {
            // An echo that reads a message, answers it, and only then reads the next.
            std::size_t left = kTotal;
            while (left > 0) {
                const auto frame = peer.read_frame();
                left -= frame.payload.size() - 1;
                peer.write_channel(1, as_text(frame.payload).substr(1));
            }
            end(peer, kSuccess);
        },
        options);
    TaskGroup writer;
    writer.start([&](const std::stop_token&) { command.exec->input().write(data); });
    Bytes received;
    Bytes buffer(100'000);
    while (const auto count = command.exec->output().read(buffer)) {
        append(received, ByteView(buffer).first(count));
    }
    writer.wait();
    CHECK((received == data));
    CHECK(command.exec->wait() == 0);
}

TEST_CASE("a reader that never comes does not hinder writing") {
    ExecOptions options;
    options.buffer_bytes = 64U << 10U;
    const Command command(
        [](Peer& peer) {
            peer.write_channel(1, std::string(100'000, 'x'));
            peer.write_channel(1, std::string(100'000, 'y'));
            std::size_t left = 4U << 20U;
            while (left > 0) {
                left -= peer.read_frame().payload.size() - 1;
            }
            end(peer, kSuccess);
        },
        options);
    command.exec->input().write(Bytes(4U << 20U));
    CHECK(command.exec->wait() == 0);
}
