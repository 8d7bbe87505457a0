// SPDX-License-Identifier: Apache-2.0
// Why one object brought another one into a point. A plain value; who computes edges is
// closure.hpp, who keeps them is object_rules.hpp.
#pragma once

#include "core/model/object_key.hpp"

#include <string>

namespace backup::capture {

struct Edge {
    model::ObjectKey from;  // stored itself; its own rule or edge says why
    /// The field that names it ("spec.serviceAccountName") or the relation ("selects its pods",
    /// "owner", "pod of its template", "defines its kind").
    std::string why;

    bool operator==(const Edge&) const = default;
};

/// "pods/shop/web-1"; "the namespace" when the edge comes from no object.
inline std::string format_edge_origin(const Edge& edge) {
    return edge.from.resource.empty() ? "the namespace" : model::format_object_key(edge.from);
}

}  // namespace backup::capture
