// SPDX-License-Identifier: Apache-2.0
// The rules of a run as files of its point, and read back: extra/rules.json (the scope, the kinds
// that were not taken whole, cluster-scoped objects) and extra/rules/<ns>.json. docs/format.md 6.4.
#pragma once

#include "core/capture/findings.hpp"
#include "core/capture/object_rules.hpp"
#include "core/capture/object_sink.hpp"
#include "core/capture/scope.hpp"
#include "core/repository/tree_reader.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace backup::capture {

inline constexpr std::string_view kRulesDirectory = "rules";
inline constexpr std::string_view kRulesFile = "rules.json";

struct PointRulesFiles {
    std::optional<StoredObject> cluster;
    std::map<std::string, StoredObject> namespaces;  // by file name
};

struct PointRulesParts {
    const ObjectRules& rules;
    const std::vector<model::ApiResource>& resources;  // that the cluster can list
    const Scope& scope;
    std::int64_t time_ns = 0;
};

PointRulesFiles store_point_rules(const PointRulesParts& parts, ObjectSink& sink);

struct KindDecision {
    std::string rule;
    std::string message;

    bool operator==(const KindDecision&) const = default;
};

/// The rules of a point.
struct PointRules {
    Json scope;  // to_json(Scope)
    /// "plural.group" of kinds that were left out, or taken only where another object needs them.
    std::map<std::string, KindDecision, std::less<>> kinds;
    ObjectRules objects;
};

/// The kinds of the cluster, as extra/resources.json has them; none in an import.
std::vector<model::ApiResource> read_point_resources(repository::TreeReader& tree);

/// The rules of `ns` and of cluster-scoped objects; nothing when the point has none (an import).
/// Throws CorruptData.
std::optional<PointRules> read_point_rules(repository::TreeReader& tree, const std::string& ns);

}  // namespace backup::capture
