// SPDX-License-Identifier: Apache-2.0
#include "core/capture/claim_groups.hpp"

#include "tests/support/catch.hpp"

using namespace backup;
using namespace backup::capture;

namespace {

using Groups = std::vector<std::vector<std::size_t>>;

volume::ClaimFacts claim(const std::string& name) {
    volume::ClaimFacts facts;
    facts.name = name;
    return facts;
}

volume::ClaimFacts used(const std::string& name, const std::string& node) {
    auto facts = claim(name);
    facts.consumer.emplace();
    facts.consumer->node = node;
    return facts;
}

}  // namespace

TEST_CASE("claims of one cluster node share a pod") {
    CHECK(group_claims({used("a", "n1"), used("b", "n2"), used("c", "n1"), used("d", "n2")}) ==
          Groups{{0, 2}, {1, 3}});
}

TEST_CASE("claims that one pod cannot reach alike are apart") {
    auto other_user = used("b", "n1");
    other_user.consumer->run_as_user = 1000;
    auto other_group = used("c", "n1");
    other_group.consumer->supplemental_groups = {7};
    auto other_level = used("d", "n1");
    other_level.consumer->selinux_level = "s0:c1";
    CHECK(group_claims({used("a", "n1"), other_user, other_group, other_level, used("e", "n1")}) ==
          Groups{{0, 4}, {1}, {2}, {3}});
}

TEST_CASE("claims nobody uses, or only one pod may have, are alone") {
    auto exclusive = used("c", "n1");
    exclusive.is_exclusive = true;
    CHECK(group_claims({claim("a"), claim("b"), exclusive, used("d", "n1"), used("e", "")}) ==
          Groups{{0}, {1}, {2}, {3}, {4}});
}

TEST_CASE("one pod does not get too many claims") {
    const std::vector<volume::ClaimFacts> claims(kMostClaimsInPod + 3, used("a", "n1"));
    const auto groups = group_claims(claims);
    REQUIRE(groups.size() == 2);
    CHECK(groups[0].size() == kMostClaimsInPod);
    CHECK(groups[1].size() == 3);
    CHECK(group_claims({}).empty());
}
