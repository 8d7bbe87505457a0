// SPDX-License-Identifier: Apache-2.0
#include "core/kube/discovery.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/kube/fake_cluster.hpp"

#include <algorithm>

using namespace backup;
using namespace backup::kube;
using testing::error_code_of;
using testing::FakeCluster;

namespace {

std::vector<std::string> names(const Discovery& discovery) {
    std::vector<std::string> out;
    for (const auto& resource : discovery.resources) {
        out.push_back(resource.name() + "@" + resource.version);
    }
    return out;
}

using Names = std::vector<std::string>;

std::string aggregated(const std::string& resource, const std::string& kind) {
    return R"({"resource":")" + resource + R"(","responseKind":{"kind":")" + kind +
           R"("},"scope":"Namespaced","singularResource":")" + kind +
           R"(","verbs":["list"],"shortNames":["s)" + resource +
           R"("],"subresources":[{"subresource":"status"}]})";
}

std::string group(const std::string& name, const std::string& versions) {
    return R"({"metadata":{"name":")" + name + R"("},"versions":[)" + versions + "]}";
}

std::string version(const std::string& name,
                    const std::string& resources,
                    const std::string& freshness = "Current") {
    return R"({"version":")" + name + R"(","freshness":")" + freshness + R"(","resources":[)" +
           resources + "]}";
}

std::string document(const std::string& groups) {
    return R"({"kind":"APIGroupDiscoveryList","items":[)" + groups + "]}";
}

std::string plain(const std::string& resources) {
    return R"({"kind":"APIResourceList","resources":[)" + resources + "]}";
}

}  // namespace

TEST_CASE("aggregated discovery: preferred versions, old names dropped, dead groups told") {
    FakeCluster cluster;
    cluster.fake.on(
        "GET /api",
        {200,
         document(group(
             "", version("v1", aggregated("pods", "Pod") + "," + aggregated("events", "Event")))),
         {},
         {}});
    cluster.fake.on(
        "GET /apis",
        {200,
         document(group("extensions", version("v1beta1", aggregated("deployments", "Deployment"))) +
                  "," +
                  group("apps",
                        version("v1", aggregated("deployments", "Deployment")) + "," +
                            version("v1beta1",
                                    aggregated("deployments", "Deployment") + "," +
                                        aggregated("olds", "Old"))) +
                  "," + group("events.k8s.io", version("v1", aggregated("events", "Event"))) + "," +
                  group("metrics.k8s.io", version("v1beta1", "", "Stale")) + "," +
                  group("evil", version("v1", aggregated("../x", "X")))),
         {},
         {}});
    const auto discovery = discover(cluster.client);
    CHECK(names(discovery) ==
          Names{"pods@v1", "deployments.apps@v1", "olds.apps@v1beta1", "events.events.k8s.io@v1"});
    CHECK(discovery.other_versions.size() == 3);
    REQUIRE(discovery.problems.size() == 1);
    CHECK(discovery.problems[0].subject == "metrics.k8s.io/v1beta1");
    CHECK(cluster.fake.requests().size() == 2);
    const auto accept = *net::find_header(cluster.fake.requests()[0].headers, "accept");
    CHECK_THAT(accept,
               testing::starts_with(
                   "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"));
    CHECK(discovery.resources[0].namespaced);
    CHECK(discovery.resources[0].can("list"));
}

TEST_CASE("plain discovery, as servers before 1.26 have it") {
    FakeCluster cluster;
    cluster.fake.on("GET /api", {200, R"({"kind":"APIVersions","versions":["v1"]})", {}, {}});
    cluster.fake.on("GET /apis",
                    {200,
                     R"({"kind":"APIGroupList","groups":[{"name":"apps","versions":[)"
                     R"({"groupVersion":"apps/v1beta1"},{"groupVersion":"apps/v1"}],)"
                     R"("preferredVersion":{"groupVersion":"apps/v1"}},)"
                     R"({"name":"dead","versions":[{"groupVersion":"dead/v1"}]}]})",
                     {},
                     {}});
    cluster.fake.on("GET /api/v1",
                    {200,
                     plain(R"({"name":"pods","singularName":"","namespaced":true,"kind":"Pod",)"
                           R"("verbs":["list","get"],"shortNames":["po"]},)"
                           R"({"name":"pods/log","kind":"Pod","verbs":["get"]})"),
                     {},
                     {}});
    cluster.fake.on("GET /apis/apps/v1",
                    {200, plain(R"({"name":"deployments","kind":"Deployment"})"), {}, {}});
    cluster.fake.on("GET /apis/apps/v1beta1",
                    {200, plain(R"({"name":"deployments","kind":"Deployment"})"), {}, {}});
    cluster.fake.on("GET /apis/dead/v1", {503, "service unavailable", {}, {}});
    const auto discovery = discover(cluster.client);
    CHECK(names(discovery) == Names{"pods@v1", "deployments.apps@v1"});
    CHECK(discovery.other_versions.size() == 1);
    REQUIRE(discovery.problems.size() == 1);
    CHECK(discovery.problems[0].subject == "dead/v1");
    CHECK(discovery.problems[0].code == ErrorCode::KubeServerError);
    CHECK_THAT(discovery.problems[0].message, testing::contains("service unavailable"));
}

TEST_CASE("a server without /api, one that refuses") {
    FakeCluster cluster;
    cluster.fake.on("GET /apis", {200, document(""), {}, {}});
    CHECK(discover(cluster.client).resources.empty());
    cluster.fake.on("GET /api", {403, "{}", {}, {}});
    CHECK(error_code_of([&] { return discover(cluster.client).resources.size(); }) ==
          ErrorCode::Forbidden);
}

TEST_CASE("resources are found as kubectl finds them") {
    Discovery discovery;
    auto deployments = testing::pods();
    deployments.group = "apps";
    deployments.kind = "Deployment";
    deployments.plural = "deployments";
    deployments.singular = "deployment";
    deployments.short_names = {"deploy"};
    discovery.resources = {testing::pods(), deployments};
    auto old = deployments;
    old.version = "v1beta1";
    discovery.other_versions = {old};
    for (const auto* word : {"deploy",
                             "deployment",
                             "Deployments",
                             "deployments.apps",
                             "deploy.apps",
                             "deployments.v1.apps",
                             "Deployment"}) {
        CAPTURE(word);
        REQUIRE(discovery.find(word) != nullptr);
        CHECK(discovery.find(word)->version == "v1");
    }
    CHECK(discovery.find("deployments.v1beta1.apps")->version == "v1beta1");
    CHECK(discovery.find("deployments.batch") == nullptr);
    CHECK(discovery.find_kind("apps/v1beta1", "Deployment")->version == "v1beta1");
    CHECK(discovery.find_kind("v1", "Deployment") == nullptr);
    const auto error = testing::error_of([&] { return discovery.get("deploymnet").kind; });
    CHECK(error.code() == ErrorCode::NotFound);
    CHECK_THAT(std::string(error.hint()), testing::contains("deployment"));
}
