// SPDX-License-Identifier: Apache-2.0
#include "core/capture/run_command.hpp"

#include "core/base/retry.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_transport.hpp"
#include "tests/support/loopback.hpp"

#include <condition_variable>

using namespace backup;
using namespace backup::capture;
using backup::testing::contains;
using backup::testing::error_of;
using backup::testing::FakeTransport;
using backup::testing::Peer;

namespace {

constexpr std::string_view kSuccess = R"({"metadata":{},"status":"Success"})";
constexpr std::string_view kSeven =
    R"({"status":"Failure","reason":"NonZeroExitCode",)"
    R"("details":{"causes":[{"reason":"ExitCode","message":"7"}]}})";
constexpr std::string_view kNoSuchProgram =
    R"({"status":"Failure","reason":"InternalError","message":"exec: \"freeze\" not found"})";

class TextSink : public ByteSink {
  public:
    void write(ByteView bytes) override { text += as_text(bytes); }

    std::string text;
};

/// A command that the test plays at the other end of an exec stream.
struct Scene {
    explicit Scene(std::function<void(Peer&)> script) {
        fake.on_connect([this, script = std::move(script)] {
            return testing::connect_to(peer, [this, script](Peer& side) {
                request = side.accept_websocket("v5.channel.k8s.io");
                script(side);
            });
        });
        kube::ClientOptions options;
        options.make_transport = fake.maker();
        options.clock = &clock;
        options.sleep = [this](std::chrono::nanoseconds duration, const std::stop_token& stop) {
            limit = duration;
            return wait_for_the_end_of_time(stop);
        };
        kube::ClusterConfig config;
        config.server = "https://kube";
        client.emplace(config, options);
    }

    /// Time passes only when the test says so.
    bool wait_for_the_end_of_time(const std::stop_token& stop) {
        std::unique_lock lock(mutex);
        return time_is_up.wait(lock, stop, [this] { return is_up; });
    }

    void let_time_pass() {
        const std::scoped_lock lock(mutex);
        is_up = true;
        time_is_up.notify_all();
    }

    void run(const std::stop_token& stop = {}) {
        make_command_runner(*client)->run(
            {"shop", "db-0", "main", {"freeze", "-f"}, std::chrono::seconds(30), output},
            report,
            stop);
    }

    std::string request;
    CommandReport report;
    ByteSink* output = nullptr;
    std::chrono::nanoseconds limit{};
    std::mutex mutex;
    std::condition_variable_any time_is_up;
    bool is_up = false;
    FakeTransport fake;
    testing::FakeClock clock;
    TaskGroup peer;
    std::optional<kube::Client> client;
};

void end(Peer& peer, std::string_view status) {
    peer.write_channel(3, status);
    peer.write_frame(0x88, {});
}

}  // namespace

TEST_CASE("exit code and the words of a command", "[hooks]") {
    Scene scene([](Peer& peer) {
        peer.write_channel(2, "odd \x1b[31m\n");
        peer.write_channel(2, "words\n\n");
        end(peer, kSeven);
    });
    scene.run();
    CHECK(scene.report.exit_code == 7);
    CHECK(scene.report.tail == "odd \\x1b[31m\nwords");
    CHECK(scene.limit == std::chrono::seconds(30));
    CHECK_THAT(scene.request,
               contains("/api/v1/namespaces/shop/pods/db-0/exec?container=main&command=freeze&"
                        "command=-f&stdin=true"));
}

TEST_CASE("only the end of much output is kept", "[hooks]") {
    Scene scene([](Peer& peer) {
        for (int i = 0; i < 100; ++i) {
            peer.write_channel(1, std::string(1000, 'a'));
        }
        peer.write_channel(1, "the end");
        end(peer, kSuccess);
    });
    scene.run();
    CHECK(scene.report.exit_code == 0);
    CHECK(scene.report.tail.size() == kCommandTailBytes);
    CHECK(scene.report.tail.ends_with("athe end"));
}

TEST_CASE("the tail is no longer for what a terminal must not see", "[hooks]") {
    Scene scene([](Peer& peer) {
        peer.write_channel(1, std::string(60'000, '\x01'));
        peer.write_channel(1, "\xc3\xa4 end");
        end(peer, kSuccess);
    });
    scene.run();
    CHECK(scene.report.tail.size() == kCommandTailBytes);
    CHECK(scene.report.tail.ends_with("\xc3\xa4 end"));
}

TEST_CASE("output that somebody wants is not in the tail", "[hooks]") {
    Scene scene([](Peer& peer) {
        peer.write_channel(1, std::string("a\0b", 3));
        peer.write_channel(2, "note");
        end(peer, kSuccess);
    });
    TextSink sink;
    scene.output = &sink;
    scene.run();
    CHECK(sink.text == std::string("a\0b", 3));
    CHECK(scene.report.tail == "note");
}

TEST_CASE("a command that does not end in time is cut off", "[hooks]") {
    Scene* here = nullptr;
    Scene scene([&here](Peer& peer) {
        peer.write_channel(2, "waiting for a lock");
        peer.write_channel(1, "x");
        here->let_time_pass();
        while (peer.read_frame().opcode != 8) {
        }
    });
    here = &scene;
    const auto error = error_of([&] { return scene.run(), 0; });
    CHECK(error.code() == ErrorCode::TimedOut);
    CHECK_THAT(error.what(), contains("30 s"));
    CHECK(scene.report.exit_code == -1);
}

TEST_CASE("stop cuts a command off", "[hooks]") {
    std::stop_source stop;
    Scene scene([&stop](Peer& peer) {
        stop.request_stop();
        while (peer.read_frame().opcode != 8) {
        }
    });
    CHECK(error_of([&] { return scene.run(stop.get_token()), 0; }).code() ==
          ErrorCode::Interrupted);
}

TEST_CASE("a command that cannot be run", "[hooks]") {
    Scene scene([](Peer& peer) { end(peer, kNoSuchProgram); });
    const auto error = error_of([&] { return scene.run(), 0; });
    CHECK(error.code() == ErrorCode::ExecFailed);
    CHECK_THAT(error.what(), contains("not found"));
}

TEST_CASE("a stream that breaks is no success", "[hooks]") {
    Scene scene([](Peer& peer) { peer.write_channel(1, "half"); });
    const auto error = error_of([&] { return scene.run(), 0; });
    CHECK(error.code() != ErrorCode::TimedOut);
    CHECK(scene.report.exit_code == -1);
    CHECK(scene.report.tail == "half");
}
