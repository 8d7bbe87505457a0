// SPDX-License-Identifier: Apache-2.0
#include "core/volume/pod_mover.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/volume_pod/fake_api.hpp"

#include <algorithm>

using namespace backup;
using namespace backup::volume;
using testing::contains;
using testing::FakeApi;

namespace {

const std::string kShop = "/api/v1/namespaces/shop/";
const Bytes kLoader(100, std::byte{1});
const Bytes kMover(200, std::byte{2});
const MoverProgram kProgram{"amd64", kLoader, kMover};

/// A namespace with one bound claim, whose pods run at once.
struct Shop {
    explicit Shop(const std::string& level = "") {
        put_claim("Bound", "ReadWriteOnce");
        Json ns = Json::object();
        if (!level.empty()) {
            ns["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = level;
        }
        api.put("/api/v1/namespaces/shop", ns);
        api.on_create = [](const std::string& path, Json& object) {
            if (path.find("/pods/") != std::string::npos) {
                object["status"] = parse_json(
                    R"({"phase":"Running","containerStatuses":[{"state":{"running":{}}}]})");
            }
        };
    }

    void put_claim(const std::string& phase, const std::string& mode) {
        api.put(kShop + "persistentvolumeclaims/data",
                parse_json(R"({"spec":{"accessModes":[")" + mode + R"("]},"status":{"phase":")" +
                           phase + R"("}})"));
    }

    PodMoverRequest request() {
        SystemRandom random;
        PodMoverRequest request;
        request.ns = "shop";
        request.claims = {"data"};
        request.owner = make_mover_owner(random);
        request.clock = &api.clock;
        return request;
    }

    PodMover start() { return PodMover(api.client, kProgram, request()); }

    Json pod() const {
        const auto names = api.names(kShop + "pods/");
        return names.empty() ? Json() : *api.find(kShop + "pods/" + names.front());
    }

    bool is_clean() const {
        return api.names(kShop + "pods/").empty() && api.names(kShop + "configmaps/").empty();
    }

    FakeApi api;
};

using Refusal = std::optional<net::Response>;

}  // namespace

TEST_CASE("a mover pod is there while the mover lives") {
    Shop shop;
    {
        const auto mover = shop.start();
        CHECK(mover.identity() == MoverIdentity::Root);
        CHECK(mover.path_of("data") == "/volumes/data");
        CHECK_FALSE(mover.is_block("data"));
        CHECK(shop.pod().text_at({"metadata", "name"}) == mover.pod_name());
        CHECK_FALSE(shop.api.names(kShop + "configmaps/").empty());
        CHECK(testing::error_code_of([&] { return mover.path_of("other"); }) ==
              ErrorCode::Internal);
    }
    CHECK(shop.is_clean());
}

TEST_CASE("close tells what the destructor only logs") {
    Shop shop;
    auto mover = shop.start();
    shop.api.refuse = [](const net::Request& request, const std::string&) {
        return request.method == "DELETE" ? Refusal(FakeApi::status(403, "Forbidden", "no"))
                                          : Refusal();
    };
    CHECK(testing::error_code_of([&] {
              mover.close();
              return 0;
          }) == ErrorCode::Forbidden);
    shop.api.refuse = nullptr;
    mover.close();
    CHECK(shop.is_clean());
    mover.close();
}

TEST_CASE("a restricted namespace gets no root") {
    Shop shop("restricted");
    CHECK(shop.start().identity() == MoverIdentity::Consumer);
}

TEST_CASE("a policy that refuses root gets a more modest pod") {
    Shop shop;
    shop.api.refuse = [](const net::Request& request, const std::string&) {
        const bool is_root = request.body.find(R"("runAsUser":0)") != std::string::npos;
        return is_root ? Refusal(FakeApi::status(
                             403, "Forbidden", R"(pods "x" is forbidden: violates PodSecurity)"))
                       : Refusal();
    };
    CHECK(shop.start().identity() == MoverIdentity::Consumer);
    CHECK(shop.is_clean());
}

TEST_CASE("a policy that refuses every pod is named") {
    Shop shop;
    shop.api.refuse = [](const net::Request& request, const std::string& path) {
        return request.method == "POST" && path.ends_with("/pods")
                   ? Refusal(FakeApi::status(403, "Forbidden", "denied the request: no pods today"))
                   : Refusal();
    };
    const auto error = testing::error_of([&] { return shop.start(); });
    CHECK(error.code() == ErrorCode::Forbidden);
    CHECK_THAT(error.what(), contains("no pods today"));
    CHECK_THAT(std::string(error.hint()), contains("policy"));
    CHECK(shop.is_clean());
}

TEST_CASE("where a quota or a limit has no room for a mover's limits it gets smaller ones") {
    const std::string message =
        GENERATE("exceeded quota: q, requested: limits.memory=1Gi",
                 "maximum cpu usage per Container is 1, but limit is 2",
                 "cpu max limit to request ratio per Container is 4, but provided ratio is 40");
    Shop shop;
    shop.api.refuse = [&](const net::Request& request, const std::string& path) {
        return request.method == "POST" && path.ends_with("/pods") &&
                       request.body.find(R"("cpu":"2")") != std::string::npos
                   ? Refusal(FakeApi::status(403, "Forbidden", message))
                   : Refusal();
    };
    {
        const auto mover = shop.start();
        CHECK(mover.identity() == MoverIdentity::Root);
        const auto pod = shop.pod();
        const auto& container = pod.find_path({"spec", "containers"})->items().front();
        CHECK(container.text_at({"resources", "limits", "cpu"}) == "500m");
    }
    CHECK(shop.is_clean());
}

TEST_CASE("missing rights and full quotas are not tried around") {
    const auto [message, most_posts] = GENERATE(table<std::string, int>(
        {{R"(pods is forbidden: User "u" cannot create resource "pods")", 1},
         {"exceeded quota: q, requested: pods=1", 2}}));
    Shop shop;
    const std::string text = message;
    int posts = 0;
    shop.api.refuse = [&](const net::Request& request, const std::string& path) {
        if (request.method != "POST" || !path.ends_with("/pods")) {
            return Refusal();
        }
        ++posts;
        return Refusal(FakeApi::status(403, "Forbidden", text));
    };
    const auto error = testing::error_of([&] { return shop.start(); });
    CHECK(error.code() == ErrorCode::Forbidden);
    CHECK(posts == most_posts);
    CHECK(shop.is_clean());
}

TEST_CASE("a mover beside the application takes its image and asks for no other") {
    Shop shop;
    shop.api.put(
        kShop + "pods/web",
        parse_json(R"({"spec":{"nodeName":"n1","containers":[{"name":"web","image":"web:1"}],)"
                   R"("volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"data"}}]},)"
                   R"("status":{"phase":"Running"}})"));
    const auto mover = shop.start();
    const auto& lines = shop.api.lines;
    CHECK(std::ranges::count(lines, "GET " + kShop + "pods") == 1);  // who uses the claim
    CHECK(std::ranges::count(lines, "GET /api/v1/nodes/n1") == 0);
}

TEST_CASE("an image that does not start is followed by another") {
    Shop shop;
    shop.api.on_create = [](const std::string& path, Json& object) {
        if (path.find("/pods/") == std::string::npos) {
            return;
        }
        const auto image = object["spec"]["containers"].items().front().text_at({"image"});
        object["status"] = parse_json(
            image.find("3.10") != std::string::npos
                ? R"({"phase":"Pending","containerStatuses":[{"state":{"waiting":{"reason":"ErrImagePull"}}}]})"
                : R"({"phase":"Running","containerStatuses":[{"state":{"running":{}}}]})");
    };
    {
        const auto mover = shop.start();
        CHECK(shop.api.names(kShop + "pods/").size() == 1);
        const Json pod = shop.pod();
        CHECK_THAT(pod.find_path({"spec", "containers"})->items().front().text_at({"image"}),
                   contains("3.9"));
    }
    CHECK(shop.is_clean());
}

TEST_CASE("a named image is the only one, and its failure is told with the last event") {
    Shop shop;
    shop.api.on_create = [&](const std::string& path, Json& object) {
        if (path.find("/pods/") != std::string::npos) {
            object["status"] =
                parse_json(R"({"phase":"Pending","containerStatuses":[{"state":{"waiting":)"
                           R"({"reason":"ImagePullBackOff","message":"no such host"}}}]})");
        }
    };
    shop.api.put(kShop + "events/e",
                 parse_json(R"({"type":"Warning","reason":"Failed","message":"pull access denied",)"
                            R"("lastTimestamp":"2026-01-01T00:00:00Z"})"));
    auto request = shop.request();
    request.image = "mine:1";
    const auto error =
        testing::error_of([&] { return PodMover(shop.api.client, kProgram, request); });
    CHECK(error.code() == ErrorCode::MoverFailed);
    CHECK_THAT(error.what(),
               contains("no such host") && contains("pull access denied") && contains("mine:1"));
    CHECK(shop.is_clean());
}

TEST_CASE("claims that cannot be read") {
    Shop shop;
    shop.put_claim("Pending", "ReadWriteOnce");
    CHECK(testing::error_code_of([&] { return shop.start(); }) == ErrorCode::MoverFailed);
    auto request = shop.request();
    request.access = VolumeAccess::Write;
    PodMover(shop.api.client, kProgram, request).close();
    shop.put_claim("Lost", "ReadWriteOnce");
    CHECK(testing::error_code_of([&] { return shop.start(); }) == ErrorCode::MoverFailed);
    shop.put_claim("Bound", "ReadWriteOncePod");
    shop.start().close();
    shop.api.put(kShop + "pods/user",
                 parse_json(R"({"spec":{"volumes":[{"name":"v","persistentVolumeClaim":)"
                            R"({"claimName":"data"}}]},"status":{"phase":"Running"}})"));
    CHECK_THAT(testing::error_of([&] { return shop.start(); }).what(),
               contains("ReadWriteOncePod"));
}

TEST_CASE("a stop ends the start, and what was made is gone") {
    Shop shop;
    std::stop_source stop;
    auto request = shop.request();
    request.stop = stop.get_token();
    shop.api.on_create = [&](const std::string& path, Json&) {
        if (path.find("/pods/") != std::string::npos) {
            stop.request_stop();
        }
    };
    CHECK(testing::error_code_of([&] { return PodMover(shop.api.client, kProgram, request); }) ==
          ErrorCode::Interrupted);
    CHECK(shop.is_clean());
}

TEST_CASE("a pod that was ended while it started may be tried again, one that waits may not") {
    Shop shop;
    const bool is_evicted = GENERATE(true, false);
    shop.api.on_create = [&](const std::string& path, Json& object) {
        if (path.find("/pods/") != std::string::npos) {
            object["status"] = parse_json(
                is_evicted ? R"({"phase":"Failed","reason":"Evicted","message":"low on memory"})"
                           : R"({"phase":"Pending"})");
        }
    };
    auto request = shop.request();
    request.start_limit = std::chrono::milliseconds(0);
    const auto error =
        testing::error_of([&] { return PodMover(shop.api.client, kProgram, request); });
    CHECK(error.code() == ErrorCode::MoverFailed);
    CHECK(error.is_retryable() == is_evicted);
    CHECK(shop.is_clean());
}

TEST_CASE("a pod that cannot start because its cluster node is not there says so") {
    Shop shop;
    shop.api.put(kShop + "pods/user",
                 parse_json(R"({"spec":{"nodeName":"n1","volumes":[{"name":"v",)"
                            R"("persistentVolumeClaim":{"claimName":"data"}}]},)"
                            R"("status":{"phase":"Running"}})"));
    shop.api.on_create = [](const std::string& path, Json& object) {
        if (path.find("/pods/") != std::string::npos) {
            object["status"]["phase"] = "Pending";
        }
    };
    auto request = shop.request();
    request.start_limit = std::chrono::milliseconds(0);
    const auto error =
        testing::error_of([&] { return PodMover(shop.api.client, kProgram, request); });
    CHECK_THAT(error.what(), contains("cluster node n1 is gone"));
}

TEST_CASE("what stays after a start that failed is told, not only logged") {
    Shop shop;
    shop.api.on_create = [](const std::string& path, Json& object) {
        if (path.find("/pods/") != std::string::npos) {
            object["status"] = parse_json(R"({"phase":"Failed","reason":"Evicted"})");
        }
    };
    shop.api.refuse = [](const net::Request& request, const std::string&) {
        return request.method == "DELETE" ? Refusal(FakeApi::status(403, "Forbidden", "no deletes"))
                                          : Refusal();
    };
    auto request = shop.request();
    std::vector<std::string> told;
    request.on_leftover = [&](const Error& problem) { told.emplace_back(problem.what()); };
    CHECK(testing::error_code_of([&] { return PodMover(shop.api.client, kProgram, request); }) ==
          ErrorCode::MoverFailed);
    REQUIRE(told.size() == 1);
    CHECK_THAT(told[0], contains("no deletes"));
    CHECK_FALSE(shop.is_clean());
}
