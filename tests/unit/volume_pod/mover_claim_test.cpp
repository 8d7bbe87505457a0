// SPDX-License-Identifier: Apache-2.0
#include "core/volume/mover_claim.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/volume_pod/fake_api.hpp"

#include <algorithm>

using namespace backup;
using namespace backup::volume;
using testing::FakeApi;

namespace {

const std::string kShop = "/api/v1/namespaces/shop/";

Json pod(const std::string& phase, const std::string& node) {
    return parse_json(
        R"({"metadata":{"name":"web-0"},"spec":{"nodeName":")" + node +
        R"(","securityContext":{"runAsUser":1,"runAsGroup":2,"fsGroup":3,"supplementalGroups":[4],)"
        R"("seLinuxOptions":{"level":"s0:c1"}},"tolerations":[{"key":"a"}],)"
        R"("volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"data"}},)"
        R"({"name":"tmp","ephemeral":{}}],)"
        R"("containers":[{"name":"side","image":"other"},)"
        R"({"name":"web","image":"web:1","securityContext":{"runAsUser":7},)"
        R"("volumeMounts":[{"name":"v"},{"name":"tmp"}]}]},"status":{"phase":")" +
        phase + R"("}})");
}

Json claim(const std::string& mode, const std::string& volume_mode = "Filesystem") {
    return parse_json(R"({"spec":{"accessModes":[")" + mode + R"("],"volumeMode":")" + volume_mode +
                      R"(","volumeName":"pv"},"status":{"phase":"Bound"}})");
}

}  // namespace

TEST_CASE("the container that mounts the claim says as whom") {
    const auto consumer = find_consumer(pod("Running", "n1"), "data");
    REQUIRE(consumer);
    CHECK(consumer->pod == "web-0");
    CHECK(consumer->node == "n1");
    CHECK(consumer->is_running);
    CHECK(consumer->image == "web:1");
    CHECK(consumer->run_as_user == 7);
    CHECK(consumer->run_as_group == 2);
    CHECK(consumer->supplemental_groups == std::vector<std::int64_t>{4, 3});
    CHECK(consumer->selinux_level == "s0:c1");
}

TEST_CASE("a pod that has ended or has another claim is no consumer") {
    CHECK_FALSE(find_consumer(pod("Succeeded", "n1"), "data"));
    CHECK_FALSE(find_consumer(pod("Failed", "n1"), "data"));
    CHECK_FALSE(find_consumer(pod("Running", "n1"), "date"));
    CHECK(find_consumer(pod("Running", "n1"), "web-0-tmp"));  // of a generic ephemeral volume
    CHECK_FALSE(find_consumer(parse_json(R"({"spec":{"volumes":"x"}})"), "data"));
}

TEST_CASE("the user a kubelet reports counts when the manifest says none") {
    auto object = pod("Running", "n1");
    object["spec"]["securityContext"] = Json::object();
    object["spec"]["containers"].items().back().erase("securityContext");
    object["status"]["containerStatuses"] =
        parse_json(R"([{"name":"web","user":{"linux":{"uid":999,"gid":998}}},{"name":"side"}])");
    const auto consumer = find_consumer(object, "data");
    REQUIRE(consumer);
    CHECK(consumer->run_as_user == 999);
    CHECK(consumer->run_as_group == 998);
}

TEST_CASE("facts of a claim") {
    FakeApi api;
    api.put(kShop + "persistentvolumeclaims/data", claim("ReadWriteOnce", "Block"));
    api.put(kShop + "pods/starting", pod("Pending", ""));
    api.put(kShop + "pods/web-0", pod("Running", "n1"));
    auto facts = get_claim_facts(api.client, "shop", "data", {});
    CHECK(facts.is_block);
    CHECK_FALSE(facts.is_shared);
    CHECK(facts.volume == "pv");
    REQUIRE(facts.consumer);
    CHECK(facts.consumer->is_running);

    api.put(kShop + "persistentvolumeclaims/data", claim("ReadWriteMany"));
    facts = get_claim_facts(api.client, "shop", "data", {});
    CHECK(facts.is_shared);
    CHECK_FALSE(facts.is_block);
    api.put(kShop + "persistentvolumeclaims/data", claim("ReadWriteOncePod"));
    CHECK(get_claim_facts(api.client, "shop", "data", {}).is_exclusive);
    CHECK(testing::error_code_of([&] { return get_claim_facts(api.client, "shop", "x", {}); }) ==
          ErrorCode::KubeNotFound);
}

TEST_CASE("where pods cannot be listed there is no consumer, and that is not known") {
    FakeApi api;
    api.put(kShop + "persistentvolumeclaims/data", claim("ReadWriteOnce"));
    CHECK(get_claim_facts(api.client, "shop", "data", {}).is_use_known);
    const auto status = GENERATE(403, 500);
    api.refuse = [status](const net::Request&,
                          const std::string& path) -> std::optional<net::Response> {
        return path.ends_with("/pods") ? std::optional(FakeApi::status(status, "Forbidden", "no"))
                                       : std::nullopt;
    };
    const auto facts = get_claim_facts(api.client, "shop", "data", {});
    CHECK_FALSE(facts.consumer);
    CHECK_FALSE(facts.is_use_known);
}

TEST_CASE("several claims cost one look at the pods") {
    FakeApi api;
    api.put(kShop + "persistentvolumeclaims/data", claim("ReadWriteOnce"));
    api.put(kShop + "persistentvolumeclaims/other", claim("ReadWriteOnce"));
    api.put("/api/v1/persistentvolumes/pv",
            parse_json(R"({"spec":{"nodeAffinity":{"required":{"nodeSelectorTerms":[]}}}})"));
    api.put(kShop + "pods/web-0", pod("Running", "n1"));
    auto facts = list_claim_facts(api.client, "shop", {"data", "other"}, {});
    look_at_volumes(api.client, facts, {});
    REQUIRE(facts.size() == 2);
    REQUIRE(facts[0].consumer);
    CHECK(facts[0].consumer->volume == "v");
    CHECK_FALSE(facts[0].is_on_some_nodes);
    CHECK_FALSE(facts[1].consumer);
    CHECK(facts[1].is_on_some_nodes);
    CHECK(std::count(api.lines.begin(), api.lines.end(), "GET " + kShop + "pods") == 1);
}

TEST_CASE("many claims are one list, and those that are not in it are asked for") {
    FakeApi api;
    std::vector<std::string> names;
    for (int i = 0; i < 100; ++i) {
        names.push_back("claim-" + std::to_string(i));
        api.put(kShop + "persistentvolumeclaims/" + names.back(), claim("ReadWriteMany"));
    }
    api.put(kShop + "pods/web-0", pod("Running", "n1"));
    api.put(kShop + "persistentvolumeclaims/data", claim("ReadWriteOnce"));
    names.insert(names.begin() + 50, {"data", "gone"});
    SECTION("one of them went away") {
        const auto looks = look_at_claims(api.client, "shop", names, {});
        CHECK(api.lines.size() == 3);
        REQUIRE(looks.size() == names.size());
        CHECK(looks[49].facts.name == "claim-49");
        CHECK(looks[49].facts.is_shared);
        CHECK(looks[50].facts.consumer->pod == "web-0");
        REQUIRE(looks[51].failure);
        CHECK(looks[51].failure->code() == ErrorCode::KubeNotFound);
        CHECK_FALSE(looks[52].failure);
    }
    SECTION("who may not list them") {
        api.refuse = [](const net::Request&,
                        const std::string& path) -> std::optional<net::Response> {
            return path.ends_with("/persistentvolumeclaims")
                       ? std::optional(FakeApi::status(403, "Forbidden", "no"))
                       : std::nullopt;
        };
        const auto looks = look_at_claims(api.client, "shop", names, {});
        CHECK(api.lines.size() == names.size() + 2);
        CHECK(looks[50].facts.consumer->pod == "web-0");
    }
}
