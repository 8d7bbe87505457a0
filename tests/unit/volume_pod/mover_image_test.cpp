// SPDX-License-Identifier: Apache-2.0
#include "core/volume/mover_image.hpp"

#include "tests/support/catch.hpp"
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
    const auto images = list_mover_images(api.client, "shop", {claim}, {});
    REQUIRE(images.size() > 3);
    CHECK(std::vector(images.begin(), images.begin() + 3) ==
          std::vector<std::string>{"db:1", "small:1", "web:1"});
}

TEST_CASE("who may read nothing gets public images") {
    FakeApi api;
    api.refuse = [](const net::Request&, const std::string&) {
        return std::optional(FakeApi::status(403, "Forbidden", "no"));
    };
    CHECK_FALSE(list_mover_images(api.client, "shop", {}, {}).empty());
}
