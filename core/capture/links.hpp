// SPDX-License-Identifier: Apache-2.0
// What ties one object to others, in both directions, taken from its document: what it names, what
// owns it, which pods it selects, what it is attached to. Pure; closure.hpp follows the ties.
#pragma once

#include "core/base/json.hpp"
#include "core/capture/references.hpp"
#include "core/model/object_key.hpp"
#include "core/model/selector.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace backup::capture {

/// An object by the kind its own documents use; discovery knows the resource.
struct KindRef {
    std::string group;
    std::string kind;
    std::string name;

    bool operator==(const KindRef&) const = default;
};

/// Keys in `groups` and `attached_to` that are no objects: any service account of the namespace (in
/// place of a name); in place of a kind, with the group in place of the object's name, the claims
/// of one volume group, and the claims that a StatefulSet makes from one template.
inline constexpr std::string_view kAllNames = "*";
inline constexpr std::string_view kVolumeGroup = "velero.io/volume-group";
inline constexpr std::string_view kSetClaims = "volumeClaimTemplates";

/// Small beside the object: it is kept for all objects of a narrow scope.
struct Links {
    model::ObjectKey key;
    std::vector<Reference> needs;  // without these it does not work
    std::vector<KindRef> owners;   // ownerReferences
    /// It belongs to these and is of use only with one of them: an autoscaler and its workload, an
    /// Ingress and its Services, a RoleBinding and its service accounts.
    std::vector<Reference> attached_to;
    std::vector<model::ObjectKey> groups;  // what is attached to one of these belongs to it too
    std::optional<KindRef> scales;         // attached to a workload of any kind
    std::string scales_why;
    /// It is attached to pods with such labels in its namespace.
    std::optional<model::LabelSelector> selects;
    std::string selects_why;
    /// Labels of the pods it is or makes.
    std::optional<model::Labels> pod_labels;
    /// Selects the pods that it made.
    std::optional<model::LabelSelector> makes;
    bool is_made = false;  // a pod that something else made and that is not over

    bool operator==(const Links&) const = default;
};

/// `resource` is "plural.group". Throws nothing: what is not as it must be ties nothing.
Links links_of(std::string_view resource, const model::ObjectKey& key, const Json& object);

/// Whether such an object can belong to another one: worth to be remembered when it is not stored.
bool is_attachable(const Links& links);

/// Kinds whose objects may be attached to others, or that tell more than their metadata: with a
/// narrow scope all of them have to be seen, and whole.
bool has_links(std::string_view resource);

}  // namespace backup::capture
