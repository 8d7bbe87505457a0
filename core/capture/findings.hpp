// SPDX-License-Identifier: Apache-2.0
// What a run has gathered from the API server so far: where each object was stored, and what was
// learned on the way. Plain data; one for each list, merged into one for the run.
#pragma once

#include "core/capture/link_log.hpp"
#include "core/capture/object_rules.hpp"
#include "core/capture/stored_claim.hpp"
#include "core/capture/stored_objects.hpp"
#include "core/model/ledger.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace backup::capture {

/// Namespace ("" for cluster-scoped) -> "plural.group" -> objects by the names of their files.
/// Sorted as a tree is.
using ObjectsByResource = std::map<std::string, StoredObjects, std::less<>>;
using ObjectsByNamespace = std::map<std::string, ObjectsByResource, std::less<>>;

bool contains(const ObjectsByNamespace& objects, const model::ObjectKey& key);
std::uint64_t count_objects(const ObjectsByNamespace& objects);

/// Objects of one kind in one namespace that were left out for the same reason.
struct SkippedObjects {
    std::uint64_t count = 0;
    std::vector<std::string> names;  // the first few
    std::string message;
};

struct SkipKey {
    std::string resource;
    std::string ns;
    model::SkipReason reason = model::SkipReason::None;
    auto operator<=>(const SkipKey&) const = default;
};

using Names = std::set<std::string, std::less<>>;

struct Findings {
    ObjectsByNamespace objects;
    std::map<SkipKey, SkippedObjects> skipped;
    std::map<model::ObjectKey, Edge> wanted;  // named by stored objects, and by which
    /// With a narrow scope: of stored objects, and of those that the selectors left out but that
    /// may belong to stored ones.
    LinkLog links;
    LinkLog candidates;
    ObjectRules rules;
    std::vector<std::string> conflicts;  // contradicting marks, at most kMostConflicts
    Names service_accounts;              // "namespace/name" of the stored ones
    Names selecting_services;            // "namespace/name": their endpoints are generated
    std::vector<StoredClaim> claims;
    std::vector<model::VolumeRecord> skipped_claims;  // whose object is not stored either

    static constexpr std::size_t kMostConflicts = 100;

    void add_conflicts(std::vector<std::string> more);
    void add_skipped(const model::ObjectKey& key,
                     model::SkipReason reason,
                     std::string_view message);
    void merge(Findings&& other);
};

/// "a, b, c and 12 more", with the reason in front.
std::string describe_skipped(const SkippedObjects& skipped);

}  // namespace backup::capture
