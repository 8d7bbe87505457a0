// SPDX-License-Identifier: Apache-2.0
// Why one object is in a recovery point, or why it is not: the rule that decided and the objects
// that needed it. Of a stored point; live_explanation.hpp asks a cluster the same.
#pragma once

#include "core/base/error.hpp"
#include "core/capture/decision.hpp"
#include "core/capture/object_rules.hpp"
#include "core/capture/point_rules.hpp"
#include "core/model/ledger.hpp"
#include "core/repository/point_store.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace backup::capture {

/// "deploy/web", "deploy/shop/web", "clusterrole/view", as a person writes it.
struct ObjectWords {
    std::string kind;
    std::string ns;  // empty: not said
    std::string name;

    bool operator==(const ObjectWords&) const = default;
};

/// Throws Usage.
ObjectWords parse_object_words(std::string_view text);

struct Explanation {
    model::ObjectKey object;
    Verdict verdict = Verdict::Out;
    std::string rule;
    std::string message;      // what the rule alone does not tell; may be empty
    std::vector<Edge> edges;  // of a related object: from it up to one that was taken for itself
    /// Why restoring leaves it out unless it is asked for; empty: it does not.
    std::string_view generated;
    std::optional<model::VolumeRecord> volume;  // of a claim

    bool is_stored() const { return verdict != Verdict::Out; }
};

/// What is known of a point about one object.
struct PointFacts {
    const model::RecoveryPoint& point;
    const model::Ledger& ledger;
    const PointRules* rules = nullptr;  // nullptr: the point has none
    bool is_stored = false;
};

/// Pure.
Explanation explain_stored(const model::ObjectKey& key, const PointFacts& facts);

/// Looks into the point. Without a namespace in `words` it is the only one of the point, or each
/// that holds such an object. At least one; throws InvalidArgument for a kind that the cluster did
/// not have ("did you mean"), Usage when the namespace has to be said, CorruptData.
std::vector<Explanation> explain_in_point(repository::ChunkStore& chunks,
                                          const repository::PointRecord& record,
                                          const ObjectWords& words);

Json to_json(const Explanation& explanation);

/// Kinds that `word` names by plural, singular, kind or short name, with or without group; a group
/// or pattern is no name of a kind.
std::vector<model::ApiResource> find_kinds(std::string_view word,
                                           const std::vector<model::ApiResource>& resources);

/// "the cluster has no kind 'deploi'", with the names that are near.
Error unknown_kind(std::string_view word, const std::vector<model::ApiResource>& resources);

}  // namespace backup::capture
