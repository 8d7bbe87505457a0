// SPDX-License-Identifier: Apache-2.0
// What a person asked to back up: the flags of `create`, read and checked. Knows no cluster; which
// namespaces and kinds it means there is decided by namespaces.hpp and decision.hpp. docs/scope.md.
#pragma once

#include "core/base/json.hpp"
#include "core/capture/object_filter.hpp"
#include "core/capture/volume_rules.hpp"
#include "core/model/selector.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace backup::capture {

enum class ClusterResources {
    Auto,  // all when the whole cluster is in scope, otherwise what the stored objects need
    All,
    None,  // nothing but the Namespace objects
};

enum class VolumeMode {
    Auto,      // the best way there is for each volume
    Snapshot,  // from a snapshot or clone; never the volume in use
    Clone,     // from a CSI clone
    Live,      // read while in use
    None,      // manifests only
};

/// The flags as they were typed. `namespaces`, `exclude_namespaces` and the resource lists may hold
/// comma separated words.
struct ScopeFlags {
    std::vector<std::string> namespaces;  // -n: names and globs; "*" is the same as -A
    bool all_namespaces = false;          // -A
    std::vector<std::string> exclude_namespaces;
    std::vector<std::string> namespace_selectors;
    std::vector<std::string> namespace_annotations;
    std::vector<std::string> selectors;    // -l
    std::vector<std::string> annotations;  // --annotation
    bool annotated = false;                // --annotated
    std::vector<std::string> include_resources;
    std::vector<std::string> exclude_resources;
    std::string cluster_resources = "auto";
    std::string volumes = "auto";
};

struct Scope {
    std::vector<std::string> namespaces;  // names and globs; empty with all_namespaces
    bool all_namespaces = false;
    std::vector<std::string> exclude_namespaces;
    std::vector<model::LabelSelector> namespace_selectors;         // one must match
    std::vector<model::AnnotationSelector> namespace_annotations;  // one must match
    std::vector<model::LabelSelector> selectors;                   // one must match
    std::vector<model::AnnotationSelector> annotations;            // one must match
    std::vector<std::string> include_resources;
    std::vector<std::string> exclude_resources;
    ClusterResources cluster_resources = ClusterResources::Auto;
    VolumeMode volumes = VolumeMode::Auto;
    std::vector<NamespaceFilter> filters;  // of a policy
    std::vector<VolumeRule> volume_rules;  // of a policy; the first that matches decides

    /// Only objects that match a selector, and what they need.
    bool is_narrow() const;

    /// Every namespace is looked at, not a chosen few.
    bool spans_cluster() const;
    /// Nothing is left out by a filter: cluster-scoped objects are then all stored.
    bool is_whole_cluster() const;
};

/// Throws InvalidArgument or Usage naming the flag. With no word about namespaces at all the scope
/// is `default_namespace` (that of the kubeconfig's context).
Scope make_scope(const ScopeFlags& flags, std::string_view default_namespace);

/// A short text for the name of a point: "shop", "shop-web", "all", "3-namespaces".
std::string describe_scope(const Scope& scope);

/// For `describe`: only what differs from the defaults.
Json to_json(const Scope& scope);

}  // namespace backup::capture
