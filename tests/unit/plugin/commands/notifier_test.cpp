// SPDX-License-Identifier: Apache-2.0
#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/loopback.hpp"
#include "tests/support/run_cli.hpp"
#include "tests/support/temp_dir.hpp"

#include <mutex>

using namespace backup;
using backup::testing::contains;
using backup::testing::LoopbackServer;
using backup::testing::Peer;

namespace {

/// Takes posts, each over a connection of its own, and answers them all with one status.
class Receiver {
  public:
    explicit Receiver(std::string status)
        : status_(std::move(status)),
          server_([this](Peer& peer) { serve(peer); }) {}

    std::string url() const { return server_.url() + "/planted"; }

    std::vector<Json> posts() const {
        const std::scoped_lock lock(mutex_);
        return posts_;
    }

  private:
    void serve(Peer& peer) {
        const auto head = to_lower(peer.read_until("\r\n\r\n"));
        constexpr std::string_view kLength = "content-length: ";
        const auto at = head.find(kLength) + kLength.size();
        const auto length = std::stoul(head.substr(at));
        auto post = parse_json(as_text(peer.read_exactly(length)));
        {
            const std::scoped_lock lock(mutex_);
            posts_.push_back(std::move(post));
        }
        peer.write(
            concat("HTTP/1.1 ", status_, "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
    }

    mutable std::mutex mutex_;
    std::vector<Json> posts_;
    std::string status_;
    LoopbackServer server_;
};

testing::CliResult create(const std::vector<std::string>& more) {
    std::vector<std::string> words = {"create", "night", "--kubeconfig", "/nonexistent/config"};
    words.insert(words.end(), more.begin(), more.end());
    return testing::run_cli(words);
}

}  // namespace

TEST_CASE("a run that fails is told, and fails as it would have") {
    const Receiver receiver("200 OK");
    const auto expected = create({});
    const auto told = create({"--notify", receiver.url()});
    CHECK(told.exit_code == expected.exit_code);
    CHECK(told.exit_code != 0);
    CHECK(told.err == expected.err);
    const auto posts = receiver.posts();
    REQUIRE(posts.size() == 1);
    CHECK(posts[0].text_at({"event"}) == "failure");
    CHECK(posts[0].integer_at({"exitCode"}) == expected.exit_code);
    CHECK_FALSE(posts[0].text_at({"error", "code"}).empty());
}

TEST_CASE("a policy that cannot be read is told where the flag says") {
    const testing::TempDir directory;
    const auto broken = directory.write("night.yaml", "kind: Planted\n").string();
    const auto gone = (directory / "gone.yaml").string();
    for (const auto& policy : {broken, gone, std::string("configmap/ops/night")}) {
        CAPTURE(policy);
        const Receiver receiver("200 OK");
        const auto expected = create({"--policy", policy});
        const auto told = create({"--policy", policy, "--notify", receiver.url()});
        CHECK(told.exit_code == expected.exit_code);
        CHECK(told.exit_code != 0);
        CHECK(told.err == expected.err);
        const auto posts = receiver.posts();
        REQUIRE(posts.size() == 1);
        CHECK(posts[0].text_at({"event"}) == "failure");
        CHECK(posts[0].integer_at({"exitCode"}) == expected.exit_code);
    }
}

TEST_CASE("a notification that is refused is a warning that does not repeat the URL") {
    const Receiver receiver("403 Forbidden");
    const auto result = create({"--notify", receiver.url()});
    CHECK(result.exit_code == create({}).exit_code);
    CHECK_THAT(result.err, contains("a notification did not arrive at http://127.0.0.1:"));
    CHECK_THAT(result.err, contains("HTTP status 403"));
    CHECK(result.err.find("planted") == std::string::npos);
    CHECK(receiver.posts().size() == 1);
}

TEST_CASE("a bad URL is a usage error that does not repeat it") {
    const auto result = create({"--notify", "planted"});
    CHECK(result.exit_code == 2);
    CHECK_THAT(result.err, contains("--notify"));
    CHECK(result.err.find("planted") == std::string::npos);
}

TEST_CASE("a dry run tells nobody") {
    const Receiver receiver("200 OK");
    create({"--dry-run", "--notify", receiver.url()});
    CHECK(receiver.posts().empty());
}
