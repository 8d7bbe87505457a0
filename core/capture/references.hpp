// SPDX-License-Identifier: Apache-2.0
// What one object needs to work: the objects its fields name. Pure; features of the Kubernetes API
// types, so a table of fields and no cluster.
#pragma once

#include "core/base/json.hpp"
#include "core/model/object_key.hpp"

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace backup::capture {

struct Reference {
    model::ObjectKey key;
    std::string why;  // the field that names it: "spec.template.spec.serviceAccountName"

    bool operator==(const Reference&) const = default;
};

/// Kinds with references: only these need to be parsed whole.
bool has_references(std::string_view resource);

/// The objects that `object` of kind `resource` in namespace `ns` names, each once, sorted.
std::vector<Reference> references_of(std::string_view resource,
                                     std::string_view ns,
                                     const Json& object);

/// The same for a kind that only its CustomResourceDefinition describes: what stands under member
/// names that mean a Secret, ConfigMap, claim, service account or class everywhere in Kubernetes.
/// At most kMostGuesses.
std::vector<Reference> guess_references(std::string_view ns, const Json& object);

inline constexpr std::size_t kMostGuesses = 1000;

/// The spec of the pods that an object of this kind is or makes; nullptr for other kinds.
const Json* find_pod_spec(std::string_view resource, const Json& object);

/// The labels of those pods: an object; nullptr when there are none.
const Json* find_pod_labels(std::string_view resource, const Json& object);

/// A ClusterRoleBinding that gives a right to a service account of these (namespace/name), or to
/// all service accounts of a namespace in `namespaces`.
bool binds_service_account(const Json& cluster_role_binding,
                           const std::set<std::string, std::less<>>& accounts,
                           const std::set<std::string, std::less<>>& namespaces);

/// A webhook configuration or APIService that is served by a Service in one of the namespaces.
bool is_served_from(const Json& object, const std::set<std::string, std::less<>>& namespaces);

/// False for the groups that every API server has; true: its definition may be a
/// CustomResourceDefinition.
bool may_be_custom(std::string_view group);

}  // namespace backup::capture
