// SPDX-License-Identifier: Apache-2.0
#include "core/capture/hook_pods.hpp"

#include "core/base/text.hpp"
#include "tests/support/capture_scene.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/meeting.hpp"

#include <algorithm>

using namespace backup;
using namespace backup::capture;
using backup::testing::CaptureScene;
using backup::testing::contains;

namespace {

using Words = std::vector<std::string>;

constexpr std::string_view kMarked =
    R"("annotations":{"kubectl-backup/pre-hook":"{\"command\":[\"a\"]}"})";
constexpr std::string_view kRunning =
    R"("spec":{"containers":[{"name":"main"}]},"status":{"phase":"Running"})";

Words names_of(const HookPods& found) {
    Words names;
    for (const auto& pod : found.pods) {
        names.push_back(pod.subject.ns + "/" + pod.name);
    }
    return names;
}

/// Whoever asks for a single pod waits for others who do.
class MeetingTransport : public net::HttpTransport {
  public:
    MeetingTransport(std::unique_ptr<net::HttpTransport> server, backup::testing::Meeting& meeting)
        : server_(std::move(server)),
          meeting_(meeting) {}

    net::Response send(const net::Request& request, const net::OnBody& on_body) override {
        if (request.url.find("/pods/") != std::string::npos) {
            meeting_.arrive();
        }
        return server_->send(request, on_body);
    }

    std::unique_ptr<net::Connection> connect(const net::ConnectRequest& request) override {
        return server_->connect(request);
    }

  private:
    std::unique_ptr<net::HttpTransport> server_;
    backup::testing::Meeting& meeting_;
};

struct PodScene : CaptureScene {
    HookPods list(const Words& namespaces, const std::vector<HookRule>& rules = {}) {
        kube::Client client(config(), client_options());
        return list_hook_pods(client, namespaces, rules, {});
    }
};

}  // namespace

TEST_CASE("pods that have hooks and run", "[hooks]") {
    PodScene scene;
    scene.server.add_namespace("other");
    scene.server.add("pods", "shop", "b", kMarked, kRunning);
    scene.server.add("pods", "shop", "a", kMarked, kRunning);
    scene.server.add("pods", "shop", "plain", "", kRunning);
    scene.server.add("pods", "shop", "done", kMarked, R"("status":{"phase":"Succeeded"})");
    scene.server.add("pods",
                     "shop",
                     "going",
                     concat(kMarked, R"(,"deletionTimestamp":"2026-11-20T10:00:00Z")"),
                     kRunning);
    scene.server.add("pods", "other", "c", kMarked, kRunning);
    CHECK(names_of(scene.list({"shop"})) == Words{"shop/a", "shop/b"});
    CHECK(names_of(scene.list({"shop", "other"})) == Words{"other/c", "shop/a", "shop/b"});
    CHECK(scene.list({"shop"}).pods[0].containers == Words{"main"});
    // Pods without hooks are not asked for one by one.
    const auto asked = scene.server.asked();
    CHECK(std::none_of(asked.begin(), asked.end(), [](const std::string& question) {
        return question.find("plain") != std::string::npos;
    }));
}

TEST_CASE("pods that a rule of the policy means", "[hooks]") {
    PodScene scene;
    scene.server.add("pods", "shop", "db", R"("labels":{"app":"db"})", kRunning);
    scene.server.add("pods", "shop", "web", R"("labels":{"app":"web"})", kRunning);
    const auto rules = parse_hook_rules(
        parse_json(R"([{"match":{"selector":"app=db"},"pre":{"command":["a"]}}])"));
    CHECK(names_of(scene.list({"shop"}, rules)) == Words{"shop/db"});
}

TEST_CASE("several pods are asked for at the same time, and found in their order", "[hooks]") {
    PodScene scene;
    for (const auto* name : {"d", "b", "a", "c"}) {
        scene.server.add("pods", "shop", name, kMarked, kRunning);
    }
    backup::testing::Meeting meeting(4);
    auto options = scene.client_options();
    options.make_transport = [&](const net::TransportOptions& given) {
        return std::make_unique<MeetingTransport>(scene.server.maker()(given), meeting);
    };
    kube::Client client(CaptureScene::config(), options);
    CHECK(names_of(list_hook_pods(client, {"shop"}, {}, {})) ==
          Words{"shop/a", "shop/b", "shop/c", "shop/d"});
    CHECK(meeting.has_met());
}

TEST_CASE("many namespaces are one list, unless that is forbidden", "[hooks]") {
    PodScene scene;
    Words namespaces;
    for (int i = 0; i < 10; ++i) {
        namespaces.push_back(concat("ns-", i));
        scene.server.add_namespace(namespaces.back());
        scene.server.add("pods", namespaces.back(), "db", kMarked, kRunning);
    }
    scene.server.add_namespace("unasked");
    scene.server.add("pods", "unasked", "db", kMarked, kRunning);
    const auto count_lists = [&scene] {
        const auto asked = scene.server.asked();
        return std::count_if(asked.begin(), asked.end(), [](const std::string& question) {
            return question.starts_with("list pods");
        });
    };
    CHECK(scene.list(namespaces).pods.size() == 10);
    CHECK(count_lists() == 1);
    scene.server.refuse("list pods ns-3");
    scene.server.refuse("list pods  ");
    CHECK(scene.list(namespaces).pods.size() == 10);
}

TEST_CASE("where pods may not be listed is a warning", "[hooks]") {
    PodScene scene;
    scene.server.add("pods", "shop", "db", kMarked, kRunning);
    scene.server.refuse("list pods shop");
    const auto found = scene.list({"shop"});
    CHECK(found.pods.empty());
    REQUIRE(found.warnings.size() == 1);
    CHECK_THAT(found.warnings[0], contains("hooks of pods in shop are not known"));
}

TEST_CASE("where the server gives no answer the hooks are a problem", "[hooks]") {
    PodScene scene;
    scene.server.add("pods", "shop", "db", kMarked, kRunning);
    SECTION("about all pods") {
        scene.server.refuse("list pods shop", 504);
        const auto found = scene.list({"shop"});
        CHECK(found.pods.empty());
        CHECK(found.warnings.empty());
        REQUIRE(found.problems.size() == 1);
        CHECK(found.problems[0].subject == "hooks of pods in shop");
    }
    SECTION("about one pod") {
        scene.server.refuse("get pods shop", 500);
        const auto found = scene.list({"shop"});
        REQUIRE(found.problems.size() == 1);
        CHECK(found.problems[0].subject == "hooks of pod shop/db");
    }
}
