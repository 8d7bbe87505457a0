// SPDX-License-Identifier: Apache-2.0
// May I? Asked of the API server before the work begins (SelfSubjectAccessReview).
#pragma once

#include "core/kube/client.hpp"

namespace backup::kube {

struct Permission {
    std::string verb;
    std::string group;
    std::string resource;     // plural
    std::string subresource;  // "exec"
    std::string ns;           // empty: in all namespaces

    bool operator==(const Permission&) const = default;
};

/// "create pods/exec in namespace shop".
std::string format_permission(const Permission& permission);

/// Those of `wanted` that are not allowed, in their order. Asks several at a time.
std::vector<Permission> find_denied(Client& client,
                                    const std::vector<Permission>& wanted,
                                    std::stop_token stop = {});

}  // namespace backup::kube
