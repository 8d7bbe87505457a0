// SPDX-License-Identifier: Apache-2.0
#include "core/capture/claim_groups.hpp"

#include <map>
#include <tuple>

namespace backup::capture {

namespace {

using Key = std::tuple<std::string,
                       std::string,
                       std::optional<std::int64_t>,
                       std::optional<std::int64_t>,
                       std::vector<std::int64_t>>;

std::optional<Key> key_of(const volume::ClaimFacts& claim) {
    const auto& consumer = claim.consumer;
    if (claim.is_exclusive || !consumer || consumer->node.empty()) {
        return std::nullopt;
    }
    return Key{consumer->node,
               consumer->selinux_level,
               consumer->run_as_user,
               consumer->run_as_group,
               consumer->supplemental_groups};
}

}  // namespace

std::vector<std::vector<std::size_t>> group_claims(const std::vector<volume::ClaimFacts>& claims) {
    std::vector<std::vector<std::size_t>> groups;
    std::map<Key, std::size_t> open;
    for (std::size_t i = 0; i < claims.size(); ++i) {
        const auto key = key_of(claims[i]);
        const auto found = key ? open.find(*key) : open.end();
        if (found != open.end() && groups[found->second].size() < kMostClaimsInPod) {
            groups[found->second].push_back(i);
            continue;
        }
        if (key) {
            open.insert_or_assign(*key, groups.size());
        }
        groups.push_back({i});
    }
    return groups;
}

}  // namespace backup::capture
