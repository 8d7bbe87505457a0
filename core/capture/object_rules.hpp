// SPDX-License-Identifier: Apache-2.0
// Which rule or edge decided about each object of a run, kept small: one word for all objects of a
// kind in a namespace that were taken for themselves, and an entry for each that was not.
// Plain data; docs/format.md section 6.4 has its form in a point.
#pragma once

#include "core/base/json.hpp"
#include "core/capture/edge.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace backup::capture {

struct Decision;

/// Objects of one kind that one rule left out although they were asked for.
struct OutObjects {
    std::uint64_t count = 0;
    std::vector<std::string> names;  // at most kMostNames, of those that were seen first
    std::string message;

    static constexpr std::size_t kMostNames = 1000;

    bool operator==(const OutObjects&) const = default;
};

struct ResourceRules {
    std::string rule;  // of the objects taken for themselves; empty: there are none
    std::map<std::string, Edge, std::less<>> related;    // by name
    std::map<std::string, OutObjects, std::less<>> out;  // by rule

    bool operator==(const ResourceRules&) const = default;
};

/// "plural.group" -> rules.
using RulesByResource = std::map<std::string, ResourceRules, std::less<>>;

class ObjectRules {
  public:
    /// `decision` is In: what decided is the same for all such objects of a kind in a namespace.
    void note_stored(const model::ObjectKey& key, const Decision& decision);
    void note_related(const model::ObjectKey& key, Edge edge);
    /// Ignores what was not asked for: that can be told from the scope.
    void note_out(const model::ObjectKey& key, const Decision& decision);
    void merge(ObjectRules&& other);

    /// By namespace; "" for cluster-scoped objects.
    const std::map<std::string, RulesByResource, std::less<>>& by_namespace() const {
        return rules_;
    }

    /// The edge that brought the object in; nullptr when it was taken for itself or not at all.
    const Edge* find_edge(const model::ObjectKey& key) const;

    /// From the object to one that was taken for itself; empty when it was itself. Stops at a
    /// circle.
    std::vector<Edge> chain(const model::ObjectKey& key) const;

    /// For rules that were read from a point.
    void add(const std::string& ns, RulesByResource rules);

  private:
    std::map<std::string, RulesByResource, std::less<>> rules_;
};

Json to_json(const RulesByResource& rules);
/// Throws CorruptData when it is no such record; unknown members are ignored.
RulesByResource rules_from_json(const Json& json);

}  // namespace backup::capture
