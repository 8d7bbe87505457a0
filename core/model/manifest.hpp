// SPDX-License-Identifier: Apache-2.0
// An object as the API server gave it -> a manifest that can be applied again. What is removed and
// why: docs/tree.md. Used by the view (files under manifests/) and by restore. Pure.
#pragma once

#include "core/base/json.hpp"

#include <string>
#include <string_view>

namespace backup::model {

/// What items of a list do not carry; the ApiResource knows it.
struct ManifestType {
    std::string api_version;  // "apps/v1"
    std::string kind;         // "Deployment"
};

/// Removes what only the server sets, what belongs to the old cluster (uids, allocated addresses
/// and ports, bindings, the node) and what admission put in and will put in again. apiVersion, kind
/// and metadata come first; apiVersion and kind of the object win over `type`.
Json clean_manifest(Json object, const ManifestType& type);

/// True when a controller makes this object again by itself (it has a controlling owner), or the
/// control plane does (kube-root-ca.crt, tokens of service accounts, endpoints of a service).
bool is_made_by_controller(const Json& object, const ManifestType& type);

}  // namespace backup::model
