// SPDX-License-Identifier: Apache-2.0
#include "core/volume/mover_image.hpp"

#include "core/base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/unit/volume_pod/fake_api.hpp"

using namespace backup;
using namespace backup::volume;
using testing::FakeApi;

namespace {

Json node(const std::string& images) {
    return parse_json(R"({"status":{"images":[)" + images + "]}}");
}

const std::string kSmall = R"({"names":["small@sha256:1","small:1"],"sizeBytes":10})";
const std::string kLarge = R"({"names":["large:1"],"sizeBytes":900})";
const std::string kTiny = R"({"names":["tiny@sha256:2","<none>:<none>"],"sizeBytes":1})";

std::vector<std::string> take_all(FakeApi& api, const std::vector<ClaimFacts>& claims) {
    NodeImages nodes;
    MoverImages images(api.client, nodes, "shop", claims, {});
    std::vector<std::string> all;
    while (auto image = images.find_next()) {
        all.push_back(std::move(*image));
    }
    return all;
}

}  // namespace

TEST_CASE("small images that most cluster nodes have come first, by their tags") {
    CHECK(smallest_images({node(kLarge + "," + kSmall)}) ==
          std::vector<std::string>{"small:1", "large:1"});
    CHECK(smallest_images({node(kLarge + "," + kTiny), node(kLarge)}) ==
          std::vector<std::string>{"large:1", "tiny@sha256:2"});
    CHECK(smallest_images({Json(), node(""), parse_json(R"({"status":{"images":7}})")}).empty());
}

TEST_CASE("the consumer's image is the first choice, and there is always one more") {
    FakeApi api;
    api.put("/api/v1/nodes/n1", node(kSmall));
    api.put("/api/v1/nodes/n2", node(kTiny));
    api.put("/api/v1/namespaces/shop/pods/web",
            parse_json(R"({"spec":{"nodeName":"n1","containers":[{"image":"web:1"}]},)"
                       R"("status":{"phase":"Running"}})"));
    ClaimFacts claim;
    claim.consumer.emplace();
    claim.consumer->image = "db:1";
    claim.consumer->node = "n1";
    const auto images = take_all(api, {claim});
    REQUIRE(images.size() > 3);
    CHECK(std::vector(images.begin(), images.begin() + 3) ==
          std::vector<std::string>{"db:1", "small:1", "web:1"});
}

TEST_CASE("images that were tried already do not keep other pods' images out") {
    FakeApi api;
    std::vector<ClaimFacts> claims;
    for (const auto* name : {"a", "b", "c", "d"}) {
        const auto image = concat(name, ":1");
        api.put(concat("/api/v1/namespaces/shop/pods/", name),
                parse_json(concat(R"({"spec":{"containers":[{"image":")",
                                  image,
                                  R"("}]},"status":{"phase":"Running"}})")));
        claims.emplace_back().consumer.emplace().image = image;
    }
    claims.pop_back();
    const auto images = take_all(api, claims);
    REQUIRE(images.size() > 4);
    CHECK(images[3] == "d:1");
}

TEST_CASE("a server without an answer ends the search only before an image was tried") {
    FakeApi api;
    api.refuse = [](const net::Request&, const std::string&) {
        return std::optional(FakeApi::status(500, "InternalError", "no"));
    };
    CHECK(testing::error_of([&] { take_all(api, {}); }).code() == ErrorCode::KubeServerError);
    ClaimFacts claim;
    claim.consumer.emplace().image = "db:1";
    CHECK(take_all(api, {claim}).size() > 1);
}

TEST_CASE("who may read nothing gets public images") {
    FakeApi api;
    api.refuse = [](const net::Request&, const std::string&) {
        return std::optional(FakeApi::status(403, "Forbidden", "no"));
    };
    CHECK_FALSE(take_all(api, {}).empty());
}

TEST_CASE("cluster nodes are looked at once for all movers of a run") {
    FakeApi api;
    api.put("/api/v1/nodes/n1", node(kSmall));
    NodeImages nodes;
    for (int i = 0; i < 3; ++i) {
        MoverImages images(api.client, nodes, "shop", {}, {});
        CHECK(images.find_next() == "small:1");
    }
    CHECK(api.lines == std::vector<std::string>{"GET /api/v1/nodes"});
}
