// SPDX-License-Identifier: Apache-2.0
// Rules for single kinds in single namespaces, as a policy holds them: which objects of a kind are
// taken, by name and label. A pure function; the order of all rules is in decision.hpp.
#pragma once

#include "core/capture/object_facts.hpp"
#include "core/model/api_resource.hpp"
#include "core/model/selector.hpp"

#include <string>
#include <vector>

namespace backup::capture {

/// All that is given must hold; of a list one entry.
struct KindFilter {
    std::vector<std::string> kinds;  // words of --include-resource; empty: all other kinds
    std::vector<model::LabelSelector> selectors;
    std::vector<std::string> names;  // globs
    std::vector<std::string> exclude_names;

    bool operator==(const KindFilter&) const = default;
};

/// Of the namespaces that match, only objects that pass the filter of their kind; kinds without one
/// are left out. An entry without namespaces is about cluster-scoped objects: there kinds without a
/// filter pass.
struct NamespaceFilter {
    std::vector<std::string> namespaces;  // globs
    std::vector<KindFilter> kinds;

    bool operator==(const NamespaceFilter&) const = default;
};

/// False when a filter leaves the object out. The first entry that matches its namespace counts,
/// and in it the first filter that names its kind, otherwise the one for all other kinds.
bool passes(const std::vector<NamespaceFilter>& filters,
            const model::ApiResource& resource,
            const ObjectFacts& object);

}  // namespace backup::capture
