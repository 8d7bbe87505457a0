// SPDX-License-Identifier: Apache-2.0
#include "core/kube/client.hpp"

#include "core/kube/access_review.hpp"
#include "core/kube/watch.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/kube/fake_cluster.hpp"

using namespace backup;
using namespace backup::kube;
using testing::error_code_of;
using testing::FakeCluster;

namespace {

const model::ApiResource kPods = testing::pods();
const ObjectRef kWeb{kPods, "shop", "web"};
const std::string kWebPath = "/api/v1/namespaces/shop/pods/web";

Error broken() {
    return Error(ErrorCode::ClusterUnreachable, "reset").retryable();
}

ClusterConfig plugin_config() {
    auto config = FakeCluster::plain();
    config.exec.emplace();
    config.exec->api_version = "client.authentication.k8s.io/v1";
    config.exec->command = "login";
    return config;
}

ProcessResult credential(const std::string& token) {
    return {0,
            R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1",)"
            R"("status":{"token":")" +
                token + R"("}})"};
}

}  // namespace

TEST_CASE("paths of resources") {
    CHECK(resource_path(kPods, "shop", "web", "exec") == "/api/v1/namespaces/shop/pods/web/exec");
    CHECK(resource_path(kPods, "") == "/api/v1/pods");
    auto widgets = kPods;
    widgets.group = "example.com";
    widgets.plural = "widgets";
    CHECK(resource_path(widgets, "", "a/b%c") == "/apis/example.com/v1/widgets/a%2Fb%25c");
}

TEST_CASE("a request carries prefix, token and impersonation") {
    auto config = testing::token_config();
    config.impersonation.user = "eve";
    FakeCluster cluster(config);
    cluster.fake.on("GET /prefix" + kWebPath, {200, R"({"x":1})", {}, {}});
    CHECK(cluster.client.get(kWeb).integer_at({"x"}) == 1);
    const auto request = cluster.fake.requests().at(0);
    CHECK(*net::find_header(request.headers, "authorization") == "Bearer t");
    CHECK(*net::find_header(request.headers, "impersonate-user") == "eve");
    CHECK(*net::find_header(request.headers, "accept") == "application/json");
    CHECK(net::find_header(request.headers, "content-type") == nullptr);
}

TEST_CASE("get throws, find answers") {
    FakeCluster cluster;
    CHECK(error_code_of([&] { return cluster.client.get(kWeb); }) == ErrorCode::KubeNotFound);
    CHECK_FALSE(cluster.client.find(kWeb));
    cluster.fake.on("GET " + kWebPath, {403, "{}", {}, {}});
    CHECK(error_code_of([&] { return cluster.client.find(kWeb); }) == ErrorCode::Forbidden);
}

TEST_CASE("writing") {
    FakeCluster cluster;
    const std::string base = "/api/v1/namespaces/shop/pods";
    for (const auto& line : {"POST " + base, "PUT " + kWebPath + "/status", "PATCH " + kWebPath}) {
        cluster.fake.on(line, {200, "{}", {}, {}});
    }
    WriteOptions options;
    options.dry_run = true;
    options.field_validation = "Strict";
    cluster.client.create({kPods, "shop", ""}, Json::object({{"a", 1}}), options);
    WriteOptions status;
    status.subresource = "status";
    status.field_manager = "me";
    cluster.client.replace(kWeb, Json::object(), status);
    WriteOptions apply;
    apply.force = true;
    cluster.client.patch(kWeb, PatchType::Apply, Json::object(), apply);
    CHECK(cluster.fake.lines() ==
          std::vector<std::string>{
              "POST " + base + "?fieldManager=kubectl-backup&fieldValidation=Strict&dryRun=All",
              "PUT " + kWebPath + "/status?fieldManager=me",
              "PATCH " + kWebPath + "?fieldManager=kubectl-backup&force=true"});
    CHECK(cluster.fake.requests()[0].body == R"({"a":1})");
    CHECK(*net::find_header(cluster.fake.requests()[2].headers, "content-type") ==
          "application/apply-patch+yaml");
}

TEST_CASE("removing") {
    FakeCluster cluster;
    CHECK_FALSE(cluster.client.remove(kWeb));
    cluster.fake.on("DELETE " + kWebPath, {200, "{}", {}, {}});
    cluster.fake.on("DELETE " + kWebPath,
                    {409, R"({"kind":"Status","reason":"Conflict"})", {}, {}});
    DeleteOptions options;
    options.propagation = "Background";
    options.grace_period_seconds = 0;
    options.uid = "u1";
    CHECK(cluster.client.remove(kWeb, options));
    const auto body = parse_json(cluster.fake.requests().back().body);
    CHECK(body.text_at({"preconditions", "uid"}) == "u1");
    CHECK(body.integer_at({"gracePeriodSeconds"}, 9) == 0);
    CHECK_FALSE(cluster.client.remove(kWeb, options));
    CHECK(error_code_of([&] { return cluster.client.remove(kWeb); }) == ErrorCode::KubeConflict);
}

TEST_CASE("a busy server is given the time it asks for") {
    FakeCluster cluster;
    cluster.fake.on("GET /version", {429, "{}", {{"retry-after", "7"}}, {}});
    cluster.fake.on("GET /version", {503, "{}", {{"retry-after", "2"}}, {}});
    cluster.fake.on("GET /version",
                    {200, R"({"major":"1","minor":"36+","gitVersion":"v1.36.3"})", {}, {}});
    const auto version = cluster.client.server_version();
    CHECK(version.text == "v1.36.3");
    CHECK(version.major == 1);
    CHECK(version.minor == 36);
    CHECK(cluster.slept >= std::chrono::seconds(9));
    CHECK(cluster.slept < std::chrono::seconds(10));
}

TEST_CASE("what a busy server has not carried out is sent again, whatever it is") {
    FakeCluster cluster;
    const std::string pods = "POST /api/v1/namespaces/shop/pods";
    cluster.fake.on(pods, {429, "{}", {{"retry-after", "3"}}, {}});
    cluster.fake.on(pods, {201, R"({"made":true})", {}, {}});
    CHECK(cluster.client.create({kPods, "shop", ""}, Json::object()).bool_at({"made"}));
    CHECK(cluster.fake.requests().size() == 2);
    CHECK(cluster.slept >= std::chrono::seconds(3));
}

TEST_CASE("patience has an end") {
    FakeCluster cluster;
    cluster.fake.on("GET /version", {429, "{}", {}, {}});
    CHECK(error_code_of([&] { return cluster.client.server_version(); }) ==
          ErrorCode::KubeThrottled);
    CHECK(cluster.fake.requests().size() == 11);
    FakeCluster broken_server;
    broken_server.fake.on("GET /version", {500, "{}", {}, {}});
    CHECK(error_code_of([&] { return broken_server.client.server_version(); }) ==
          ErrorCode::KubeServerError);
    CHECK(broken_server.fake.requests().size() == 1);
}

TEST_CASE("a broken connection: GET is tried again once the server has been reached") {
    FakeCluster cluster;
    cluster.fake.on("GET /version", {0, "", {}, broken()});
    CHECK(error_code_of([&] { return cluster.client.server_version(); }) ==
          ErrorCode::ClusterUnreachable);
    CHECK(cluster.fake.requests().size() == 1);

    FakeCluster reached;
    reached.fake.on("GET /version", {200, "{}", {}, {}});
    reached.fake.on("GET /version", {0, "", {}, broken()});
    reached.fake.on("GET /version", {200, R"({"gitVersion":"back"})", {}, {}});
    reached.fake.on("POST /api/v1/namespaces/shop/pods", {0, "", {}, broken()});
    reached.client.server_version();
    CHECK(reached.client.server_version().text == "back");
    const auto before = reached.fake.requests().size();
    CHECK(error_code_of([&] {
              return reached.client.create({kPods, "shop", ""}, Json::object());
          }) == ErrorCode::ClusterUnreachable);
    CHECK(reached.fake.requests().size() == before + 1);

    reached.fake.on("DELETE " + kWebPath, {0, "", {}, broken()});
    reached.fake.on("DELETE " + kWebPath, {404, "{}", {}, {}});
    CHECK_FALSE(reached.client.remove(kWeb));
    CHECK(reached.fake.requests().size() == before + 3);
}

TEST_CASE("after a 401 the credential plugin runs once more") {
    FakeCluster cluster(plugin_config());
    cluster.plugin = credential("one");
    cluster.fake.on("GET /version", {401, "{}", {}, {}});
    cluster.fake.on("GET /version", {200, "{}", {}, {}});
    cluster.client.server_version();
    CHECK(cluster.fake.requests().size() == 2);

    FakeCluster refused(plugin_config());
    refused.plugin = credential("one");
    refused.fake.on("GET /version", {401, "{}", {}, {}});
    CHECK(error_code_of([&] { return refused.client.server_version(); }) ==
          ErrorCode::Unauthorized);
    CHECK(refused.fake.requests().size() == 2);
}

TEST_CASE("a new client certificate needs new connections") {
    FakeCluster cluster(plugin_config());
    const auto with_certificate = [](const std::string& certificate) -> ProcessResult {
        return {0,
                R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1",)"
                R"("status":{"clientKeyData":"K","clientCertificateData":")" +
                    certificate + R"("}})"};
    };
    cluster.plugin = with_certificate("A");
    cluster.fake.on("GET /version", {200, "{}", {}, {}});
    cluster.fake.on("GET /version", {401, "{}", {}, {}});
    cluster.fake.on("GET /version", {200, "{}", {}, {}});
    cluster.client.server_version();
    cluster.plugin = with_certificate("B");
    cluster.client.server_version();
    const auto made = cluster.fake.made();
    REQUIRE(made.size() == 2);
    CHECK(made[0].tls.certificate_pem == "A");
    CHECK(made[1].tls.certificate_pem == "B");
}

TEST_CASE("stop is heeded before a request") {
    FakeCluster cluster;
    std::stop_source stop;
    stop.request_stop();
    CHECK(error_code_of([&] { return cluster.client.server_version(stop.get_token()); }) ==
          ErrorCode::Interrupted);
    CHECK(cluster.fake.requests().empty());
}

TEST_CASE("a watch hands out events however they are cut") {
    FakeCluster cluster;
    cluster.fake.on("GET /api/v1/namespaces/shop/pods",
                    {200,
                     R"({"type":"ADDED","object":{"n":1}})"
                     "\n\n"
                     R"({"type":"BOOKMARK","object":{"n":2}})"
                     "\n"
                     R"({"type":"DELETED","object":{"n":3}})"
                     "\n",
                     {},
                     {}});
    WatchOptions options;
    options.ns = "shop";
    options.resource_version = "5";
    std::vector<std::int64_t> seen;
    const auto on_event = [&](const WatchEvent& event) {
        seen.push_back(event.object.integer_at({"n"}));
        return event.type != WatchEventType::Deleted;
    };
    CHECK(watch(cluster.client, kPods, options, on_event) == WatchEnd::Done);
    CHECK(seen == std::vector<std::int64_t>{1, 2, 3});
    CHECK_THAT(cluster.fake.lines().at(0), testing::contains("watch=1"));
    CHECK_THAT(cluster.fake.lines().at(0), testing::contains("resourceVersion=5"));
    CHECK(watch(cluster.client, kPods, options, [](const WatchEvent&) { return true; }) ==
          WatchEnd::Timeout);
}

TEST_CASE("a watch that expired, and one that failed") {
    const auto error_event = [](int code) {
        return R"({"type":"ERROR","object":{"kind":"Status","code":)" + std::to_string(code) +
               "}}\n";
    };
    FakeCluster cluster;
    const std::string path = "GET /api/v1/pods";
    cluster.fake.on(path, {200, error_event(410), {}, {}});
    cluster.fake.on(path, {410, "{}", {}, {}});
    cluster.fake.on(path, {200, error_event(500), {}, {}});
    const auto run = [&] {
        return watch(cluster.client, kPods, {}, [](const WatchEvent&) { return true; });
    };
    CHECK(run() == WatchEnd::Expired);
    CHECK(run() == WatchEnd::Expired);
    CHECK(error_code_of(run) == ErrorCode::KubeServerError);
}

TEST_CASE("waiting: at once, by an event, until it is gone") {
    FakeCluster cluster;
    cluster.fake.on("GET " + kWebPath,
                    {200, R"({"metadata":{"resourceVersion":"9"},"phase":"Pending"})", {}, {}});
    cluster.fake.on("GET /api/v1/namespaces/shop/pods",
                    {200,
                     R"({"type":"MODIFIED","object":{"phase":"Running"}})"
                     "\n",
                     {},
                     {}});
    cluster.fake.on("GET /api/v1/namespaces/shop/pods",
                    {200,
                     R"({"type":"DELETED","object":{"phase":"Running"}})"
                     "\n",
                     {},
                     {}});
    const auto phase_is = [](std::string wanted) {
        return [wanted](const Json* pod) {
            return pod != nullptr && pod->text_at({"phase"}) == wanted;
        };
    };
    CHECK(wait_until(cluster.client, kWeb, phase_is("Pending")).text_at({"phase"}) == "Pending");
    CHECK(cluster.fake.requests().size() == 1);
    CHECK(wait_until(cluster.client, kWeb, phase_is("Running")).text_at({"phase"}) == "Running");
    CHECK_THAT(cluster.fake.lines().back(), testing::contains("fieldSelector=metadata.name%3Dweb"));
    CHECK_THAT(cluster.fake.lines().back(), testing::contains("resourceVersion=9"));
    CHECK(
        wait_until(cluster.client, kWeb, [](const Json* pod) { return pod == nullptr; }).is_null());
}

TEST_CASE("waiting without the right to watch: by looking again") {
    FakeCluster cluster;
    const std::string version = R"({"metadata":{"resourceVersion":"9"},"phase":)";
    for (const std::string phase : {"Pending", "Pending", "Running"}) {
        cluster.fake.on("GET " + kWebPath, {200, version + '"' + phase + "\"}", {}, {}});
    }
    cluster.fake.on("GET /api/v1/namespaces/shop/pods", {403, "{}", {}, {}});
    const auto pod = wait_until(cluster.client, kWeb, [](const Json* object) {
        return object != nullptr && object->text_at({"phase"}) == "Running";
    });
    CHECK(pod.text_at({"phase"}) == "Running");
    CHECK(cluster.fake.requests().size() == 5);
}

TEST_CASE("waiting ends") {
    FakeCluster cluster;
    cluster.fake.on("GET /api/v1/namespaces/shop/pods", {200, "", {}, {}});
    WaitOptions options;
    options.timeout = std::chrono::milliseconds(0);
    options.what = "pod web";
    const auto error = testing::error_of([&] {
        return wait_until(
            cluster.client, kWeb, [](const Json*) { return false; }, options);
    });
    CHECK(error.code() == ErrorCode::TimedOut);
    CHECK_THAT(std::string(error.what()), testing::contains("pod web"));
}

TEST_CASE("denied permissions keep their order") {
    FakeCluster cluster;
    const std::string path = "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    cluster.fake.on(path, {201, R"({"status":{"allowed":false,"denied":true}})", {}, {}});
    const std::vector<Permission> wanted{{"list", "apps", "deployments", "", ""},
                                         {"create", "", "pods", "exec", "shop"}};
    CHECK(find_denied(cluster.client, wanted) == wanted);
    CHECK(format_permission(wanted[0]) == "list deployments.apps");
    CHECK(format_permission(wanted[1]) == "create pods/exec in namespace shop");
    CHECK(find_denied(cluster.client, {}).empty());
    FakeCluster open;
    open.fake.on(path, {201, R"({"status":{"allowed":true}})", {}, {}});
    CHECK(find_denied(open.client, wanted).empty());
    CHECK(parse_json(open.fake.requests().at(0).body).find_path({"spec", "resourceAttributes"}) !=
          nullptr);
}
