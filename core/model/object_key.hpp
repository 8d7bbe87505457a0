// SPDX-License-Identifier: Apache-2.0
// The name of one object in a cluster: kind, namespace, name. A plain value, ordered.
#pragma once

#include <compare>
#include <string>

namespace backup::model {

struct ObjectKey {
    std::string resource;  // ApiResource::name(): "deployments.apps"
    std::string ns;        // empty: the object belongs to the cluster
    std::string name;

    auto operator<=>(const ObjectKey&) const = default;
};

/// "deployments.apps/shop/web", "nodes/node-1".
std::string format_object_key(const ObjectKey& key);

}  // namespace backup::model
