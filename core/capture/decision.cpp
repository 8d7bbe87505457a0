// SPDX-License-Identifier: Apache-2.0
#include "core/capture/decision.hpp"

#include "core/base/text.hpp"
#include "core/capture/kind_defaults.hpp"

#include <algorithm>

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
    if (is_named(resource, scope) || scope.is_whole_cluster()) {
        return {Verdict::In, "cluster.auto"};
    }
    return {Verdict::Related, "cluster.related"};
}

}  // namespace

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
    if (const auto mark = find_exclude_mark(ns); !mark.empty()) {
        return out("mark", SkipReason::ExcludedByMark, mark);
    }
    if (ns.is_terminating) {
        return out("terminating", SkipReason::Terminating);
    }
    return {Verdict::In, "namespace.selected"};
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
    return {Verdict::In, "resource.in"};
}

Decision decide(const ObjectFacts& object,
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
    if (!context.is_related) {
        if (kind.verdict == Verdict::Related) {
            return out("cluster.unrelated", SkipReason::None);
        }
        if (!matches_any(scope.selectors, object.labels)) {
            return out("selector.label", SkipReason::None);
        }
        if (!matches_any(scope.annotations, object.annotations)) {
            return out("selector.annotation", SkipReason::None);
        }
    }
    // From here on it was asked for: what leaves it out is told in the ledger.
    if (const auto mark = find_exclude_mark(object); !mark.empty()) {
        return out("mark", SkipReason::ExcludedByMark, mark);
    }
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
    return context.is_related ? Decision{Verdict::Related, "related"}
                              : Decision{Verdict::In, kind.rule};
}

}  // namespace backup::capture
