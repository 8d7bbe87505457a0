// SPDX-License-Identifier: Apache-2.0
// Whether a namespace, a kind, an object is stored: pure functions with the rule that decided, so
// that the ledger and `create --dry-run` can say why. docs/scope.md lists the rules in their order.
#pragma once

#include "core/capture/object_facts.hpp"
#include "core/capture/scope.hpp"
#include "core/model/ledger.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace backup::capture {

enum class Verdict {
    Out,
    In,
    Related,  // of an object: stored because another one needs it; of a kind: only such objects are
};

struct Decision {
    Verdict verdict = Verdict::Out;
    std::string_view rule;  // stable id: "mark", "kind.default", "selector.label": describe_rule()
    model::SkipReason skip = model::SkipReason::None;  // None with Out: simply not asked for
    std::string message = {};                          // why, when the rule alone does not tell

    bool is_out() const { return verdict == Verdict::Out; }

    bool operator==(const Decision&) const = default;
};

/// `ns` are the facts of a Namespace object.
Decision decide_namespace(const ObjectFacts& ns, const Scope& scope);

/// What of a kind is wanted, before any of it is listed.
Decision decide_resource(const model::ApiResource& resource, const Scope& scope);

/// With a narrow scope: the object itself matches the selectors and annotations that were asked for
/// (of which there are some); filters of a policy are not looked at.
bool is_selected(const ObjectFacts& object, const Scope& scope);

/// Facts about the surroundings of an object.
struct ObjectContext {
    bool is_namespace_in = true;          // its namespace was chosen (cluster-scoped: true)
    bool is_related = false;              // a stored object needs it
    bool is_namespace_annotated = false;  // its Namespace carries an annotation that was asked for
    bool service_has_selector = false;    // of Endpoints: the Service of that name selects pods
};

/// The order is that of docs/scope.md: mark, namespace, kind, cluster scope, selectors, what is
/// never stored, being deleted. Being needed passes over cluster scope and selectors only.
Decision decide(const ObjectFacts& object,
                const model::ApiResource& resource,
                const ObjectContext& context,
                const Scope& scope);

/// A sentence without subject for people: "carries a mark that leaves it out"; the id itself when
/// it is not known (a point of a later version).
std::string_view describe_rule(std::string_view rule);

/// Ids of all rules, in the order in which they are looked at.
std::vector<std::string_view> list_rules();

/// Whether the person named this kind with --include-resource by a name of its own (not by a group
/// or pattern): that overrides what is never stored.
bool is_named(const model::ApiResource& resource, const Scope& scope);

}  // namespace backup::capture
