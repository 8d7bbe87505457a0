// SPDX-License-Identifier: Apache-2.0
#include "core/volume/mover_node.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/volume_pod/fake_api.hpp"

using namespace backup;
using namespace backup::volume;
using testing::contains;
using testing::FakeApi;

namespace {

Json node(const std::string& ready) {
    return parse_json(R"({"status":{"conditions":[{"type":"MemoryPressure","status":"False"},)"
                      R"({"type":"Ready","status":")" +
                      ready + R"(","message":"Kubelet stopped posting\u001b"}]}})");
}

ClaimFacts used_on(const std::string& name) {
    ClaimFacts claim;
    claim.consumer.emplace();
    claim.consumer->node = name;
    return claim;
}

ClaimFacts local(const std::string& volume) {
    ClaimFacts claim;
    claim.volume = volume;
    claim.is_on_some_nodes = true;
    return claim;
}

}  // namespace

TEST_CASE("a cluster node that is gone, not ready, well, or says nothing") {
    CHECK(trouble_of_node("n1", nullptr) == NodeTrouble{true, "cluster node n1 is gone"});
    for (const auto* ready : {"False", "Unknown"}) {
        const auto json = node(ready);
        CHECK(trouble_of_node("n1", &json) ==
              NodeTrouble{false, "cluster node n1 is not ready: Kubelet stopped posting\\x1b"});
    }
    const auto well = node("True");
    CHECK_FALSE(trouble_of_node("n1", &well));
    const Json young = Json::object();
    CHECK_FALSE(trouble_of_node("n1", &young));
}

TEST_CASE("the node of the pod that uses the volume, unless the volume can be had anywhere") {
    FakeApi api;
    api.put("/api/v1/nodes/n2", node("Unknown"));
    CHECK(find_trouble_of(api.client, {used_on("n1")}, {})->is_gone);
    CHECK_FALSE(find_trouble_of(api.client, {used_on("n2")}, {})->is_gone);
    auto shared = used_on("n1");
    shared.is_shared = true;
    CHECK_FALSE(find_trouble_of(api.client, {shared}, {}));
    CHECK_FALSE(find_trouble_of(api.client, {ClaimFacts{}}, {}));
}

TEST_CASE("a local volume that nobody uses says itself where it is") {
    FakeApi api;
    api.put("/api/v1/nodes/n2", node("False"));
    api.put("/api/v1/nodes/n3", node("True"));
    const auto put = [&](const std::string& hosts) {
        api.put("/api/v1/persistentvolumes/pv",
                parse_json(R"({"spec":{"nodeAffinity":{"required":{"nodeSelectorTerms":)"
                           R"([{"matchExpressions":[{"key":"kubernetes.io/hostname",)"
                           R"("operator":"In","values":[)" +
                           hosts + "]}]}]}}}}"));
    };
    put(R"("n1")");
    CHECK(find_trouble_of(api.client, {local("pv")}, {})->is_gone);
    put(R"("n1","n2")");
    CHECK_FALSE(find_trouble_of(api.client, {local("pv")}, {})->is_gone);
    put(R"("n1","n3")");
    CHECK_FALSE(find_trouble_of(api.client, {local("pv")}, {}));
    CHECK_FALSE(find_trouble_of(api.client, {local("other")}, {}));
}

TEST_CASE("who may not look at nodes knows nothing against them") {
    FakeApi api;
    api.refuse = [](const net::Request&, const std::string& path) {
        return path.find("/nodes/") == std::string::npos
                   ? std::nullopt
                   : std::optional(FakeApi::status(403, "Forbidden", "no"));
    };
    CHECK_FALSE(find_trouble_of(api.client, {used_on("n1")}, {}));
}
