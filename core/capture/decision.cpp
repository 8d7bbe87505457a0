// SPDX-License-Identifier: Apache-2.0
#include "core/capture/decision.hpp"

#include "core/base/text.hpp"
#include "core/capture/kind_defaults.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace backup::capture {

namespace {

using model::SkipReason;

bool matches_any_glob(const std::vector<std::string>& patterns, std::string_view name) {
    return std::any_of(patterns.begin(), patterns.end(), [name](const std::string& pattern) {
        return matches_glob(pattern, name);
    });
}

template <typename Selector>
bool matches_any(const std::vector<Selector>& selectors, const model::Labels& map) {
    return selectors.empty() ||
           std::any_of(selectors.begin(), selectors.end(), [&map](const Selector& selector) {
               return model::matches(selector, map);
           });
}

bool names_any(const std::vector<std::string>& words, const model::ApiResource& resource) {
    return std::any_of(words.begin(), words.end(), [&resource](const std::string& word) {
        return model::names_resource(word, resource);
    });
}

Decision out(std::string_view rule, SkipReason skip, std::string_view message = {}) {
    return {Verdict::Out, rule, skip, std::string(message)};
}

Decision decide_cluster_resource(const model::ApiResource& resource, const Scope& scope) {
    if (resource.name() == "namespaces") {
        return {Verdict::Related, "namespace.object"};
    }
    switch (scope.cluster_resources) {
        case ClusterResources::All:
            return {Verdict::In, "cluster.all"};
        case ClusterResources::None:
            return out("cluster.none", SkipReason::ExcludedByUser, "--cluster-resources=none");
        case ClusterResources::Auto:
            break;
    }
    // Whoever looks for marks in the whole cluster finds those on objects without a namespace too.
    const bool are_marks_wanted = scope.all_namespaces && scope.namespace_selectors.empty() &&
                                  scope.namespace_annotations.empty() && !scope.annotations.empty();
    if (is_named(resource, scope) || scope.is_whole_cluster() || are_marks_wanted) {
        return {Verdict::In, "cluster.auto"};
    }
    return {Verdict::Related, "cluster.related"};
}

/// Why an object is in whose kind is in; or what keeps it out: the selectors.
Decision select(const ObjectFacts& object,
                const model::ApiResource& resource,
                const ObjectContext& context,
                const Scope& scope) {
    if (!matches_any(scope.selectors, object.labels)) {
        return out("selector.label", SkipReason::None);
    }
    if (!passes(scope.filters, resource, object)) {
        return out("filter", SkipReason::None);
    }
    if (scope.annotations.empty()) {
        return {Verdict::In, scope.is_narrow() ? "selector" : ""};
    }
    if (context.is_namespace_annotated) {
        return {Verdict::In, "namespace.annotated"};
    }
    if (!matches_any(scope.annotations, object.annotations)) {
        return out("selector.annotation", SkipReason::None);
    }
    return {Verdict::In, "selector"};
}

/// Rules that hold whether an object was asked for or is needed.
Decision judge_object(const ObjectFacts& object,
                      const model::ApiResource& resource,
                      const ObjectContext& context,
                      const Scope& scope) {
    if (!is_named(resource, scope)) {
        if (const auto* rule = find_object_rule(object)) {
            return out("kind.default", SkipReason::NeverStored, rule->reason);
        }
        if (object.key.resource == "endpoints" && context.service_has_selector) {
            return out("kind.endpoints", SkipReason::NeverStored, "made again by a controller");
        }
    }
    if (object.is_terminating) {
        return out("terminating", SkipReason::Terminating);
    }
    return {Verdict::In, ""};
}

Decision decide_unmarked(const ObjectFacts& object,
                         const model::ApiResource& resource,
                         const ObjectContext& context,
                         const Scope& scope) {
    if (resource.namespaced && !context.is_namespace_in) {
        return out("namespace.not-selected", SkipReason::None);
    }
    const Decision kind = decide_resource(resource, scope);
    if (kind.is_out()) {
        return kind;
    }
    if (!context.is_related && kind.verdict == Verdict::Related) {
        return out("cluster.unrelated", SkipReason::None);
    }
    Decision selected = context.is_related ? Decision{Verdict::Related, "related"}
                                           : select(object, resource, context, scope);
    if (selected.is_out()) {
        return selected;
    }
    // It was asked for: what leaves it out from here on is told in the ledger.
    if (Decision judged = judge_object(object, resource, context, scope); judged.is_out()) {
        return judged;
    }
    if (selected.rule.empty()) {
        selected.rule = kind.rule;
    }
    return selected;
}

Decision decide_unmarked_namespace(const ObjectFacts& ns, const Scope& scope) {
    const std::string& name = ns.key.name;
    if (matches_any_glob(scope.exclude_namespaces, name)) {
        return out("namespace.excluded", SkipReason::ExcludedByUser, "--exclude-namespace");
    }
    if (!scope.namespaces.empty() && !matches_any_glob(scope.namespaces, name)) {
        return out("namespace.not-selected", SkipReason::None);
    }
    if (!matches_any(scope.namespace_selectors, ns.labels) ||
        !matches_any(scope.namespace_annotations, ns.annotations)) {
        return out("namespace.not-selected", SkipReason::None);
    }
    if (scope.namespaces.empty() && is_system_namespace(name)) {
        return out("namespace.system",
                   SkipReason::NeverStored,
                   concat("belongs to the control plane: add it with -n ", name));
    }
    if (ns.is_terminating) {
        return out("terminating", SkipReason::Terminating);
    }
    return {Verdict::In, "namespace.selected"};
}

/// A mark comes before every other rule. It is told in the ledger only where the object was asked
/// for.
Decision apply_mark(const ObjectFacts& object, Decision unmarked) {
    const auto mark = find_exclude_mark(object);
    if (mark.empty()) {
        return unmarked;
    }
    const bool was_asked_for = !unmarked.is_out() || unmarked.skip != SkipReason::None;
    return out("mark", was_asked_for ? SkipReason::ExcludedByMark : SkipReason::None, mark);
}

using RuleText = std::pair<std::string_view, std::string_view>;

constexpr std::array kRuleTexts = {
    RuleText{"mark", "carries a mark that leaves it out"},
    RuleText{"namespace.excluded", "its namespace is excluded"},
    RuleText{"namespace.not-selected", "its namespace was not chosen"},
    RuleText{"namespace.system", "belongs to the control plane and was not named"},
    RuleText{"namespace.selected", "the namespace was chosen"},
    RuleText{"namespace.object", "the Namespace object of a chosen namespace"},
    RuleText{"resource.excluded", "its kind is excluded"},
    RuleText{"resource.not-listable", "its kind cannot be listed"},
    RuleText{"resource.not-included", "its kind is not among the included ones"},
    RuleText{"kind.default", "is never stored unless its kind is named"},
    RuleText{"kind.endpoints", "is made again from the Service of that name"},
    RuleText{"cluster.none", "belongs to no namespace, and such objects are not wanted"},
    RuleText{"cluster.related", "belongs to no namespace: stored when another object needs it"},
    RuleText{"cluster.unrelated", "belongs to no namespace, and no stored object needs it"},
    RuleText{"cluster.auto", "belongs to no namespace; the whole cluster or its kind is wanted"},
    RuleText{"cluster.all", "belongs to no namespace; all such objects are wanted"},
    RuleText{"selector.label", "does not match a label selector, and no stored object needs it"},
    RuleText{"selector.annotation",
             "does not carry an annotation that was asked for, and no stored object needs it"},
    RuleText{"filter", "a filter of the policy leaves it out, and no stored object needs it"},
    RuleText{"terminating", "was being deleted"},
    RuleText{"namespace.annotated", "its namespace carries an annotation that was asked for"},
    RuleText{"selector", "matches the selectors"},
    RuleText{"resource.included", "its namespace and its kind were chosen"},
    RuleText{"resource.in", "its namespace was chosen"},
    RuleText{"related", "another stored object needs it"},
    RuleText{"list.failed", "its kind could not be listed"},
    RuleText{"absent", "was not in the cluster when the point was made"},
    RuleText{"unknown", "nobody knows"},
};

}  // namespace

std::string_view describe_rule(std::string_view rule) {
    const auto* const found = std::find_if(kRuleTexts.begin(),
                                           kRuleTexts.end(),
                                           [rule](const auto& row) { return row.first == rule; });
    return found == kRuleTexts.end() ? rule : found->second;
}

std::vector<std::string_view> list_rules() {
    std::vector<std::string_view> rules;
    for (const auto& row : kRuleTexts) {
        rules.push_back(row.first);
    }
    return rules;
}

bool is_named(const model::ApiResource& resource, const Scope& scope) {
    const auto& words = scope.include_resources;
    return std::any_of(words.begin(), words.end(), [&resource](const std::string& word) {
        const std::string lower = to_lower(word);
        return lower.find_first_of("*?[") == std::string::npos &&
               lower != (resource.group.empty() ? "core" : resource.group) &&
               model::names_resource(lower, resource);
    });
}

Decision decide_namespace(const ObjectFacts& ns, const Scope& scope) {
    return apply_mark(ns, decide_unmarked_namespace(ns, scope));
}

bool is_selected(const ObjectFacts& object, const Scope& scope) {
    const bool is_any_asked = !scope.selectors.empty() || !scope.annotations.empty();
    return is_any_asked && matches_any(scope.selectors, object.labels) &&
           matches_any(scope.annotations, object.annotations);
}

Decision decide_resource(const model::ApiResource& resource, const Scope& scope) {
    if (names_any(scope.exclude_resources, resource)) {
        return out("resource.excluded", SkipReason::ExcludedByUser, "--exclude-resource");
    }
    if (!resource.can("list") || !resource.can("get")) {
        return out("resource.not-listable", SkipReason::NotListable);
    }
    const bool is_namespace = resource.name() == "namespaces";
    if (!scope.include_resources.empty() && !names_any(scope.include_resources, resource) &&
        !is_namespace) {
        return out("resource.not-included", SkipReason::None);
    }
    if (!is_named(resource, scope)) {
        if (const auto* rule = find_kind_rule(resource.name())) {
            return out("kind.default", SkipReason::NeverStored, rule->reason);
        }
    }
    if (!resource.namespaced) {
        return decide_cluster_resource(resource, scope);
    }
    return {Verdict::In, scope.include_resources.empty() ? "resource.in" : "resource.included"};
}

Decision decide(const ObjectFacts& object,
                const model::ApiResource& resource,
                const ObjectContext& context,
                const Scope& scope) {
    return apply_mark(object, decide_unmarked(object, resource, context, scope));
}

}  // namespace backup::capture
