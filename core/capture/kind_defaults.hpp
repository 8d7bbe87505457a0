// SPDX-License-Identifier: Apache-2.0
// Which objects are never stored unless the person names their kind: short-lived, tied to one
// cluster, or made again by a controller. A table of data; docs/scope.md shows it to people.
#pragma once

#include "core/capture/object_facts.hpp"

#include <span>
#include <string_view>

namespace backup::capture {

enum class RuleField { None, Label, Annotation, Type };

/// Matches an object when all that is not empty matches.
struct KindRule {
    std::string_view resource;  // pattern on "plural.group"
    std::string_view reason;    // for the ledger and `--dry-run`
    std::string_view ns = {};
    std::string_view name = {};  // pattern
    RuleField field = RuleField::None;
    std::string_view key = {};    // of a label or annotation
    std::string_view value = {};  // pattern; empty: any value
    std::string_view label = {};  // a further one that has to be there

    /// No object of the kind can be stored: it need not be listed.
    bool covers_whole_kind() const {
        return ns.empty() && name.empty() && field == RuleField::None;
    }
};

std::span<const KindRule> kind_rules();

/// The rule that covers the whole kind, or nullptr. `resource` is "plural.group".
const KindRule* find_kind_rule(std::string_view resource);

/// The rule that covers this object, or nullptr.
const KindRule* find_object_rule(const ObjectFacts& object);

/// Why objects of this kind are stored for looking at them and are not wanted back as they are:
/// made again by a program that is in the cluster, or bound to the cluster's nodes. Empty for all
/// others.
std::string_view find_generated(std::string_view resource);

/// Namespaces of the control plane: in scope only when they are named, not by -A.
bool is_system_namespace(std::string_view name);

}  // namespace backup::capture
