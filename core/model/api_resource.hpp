// SPDX-License-Identifier: Apache-2.0
// One kind of object an API server keeps, as discovery describes it. A plain value.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace backup::model {

struct ApiResource {
    std::string group;  // "" is the core group
    std::string version;
    std::string kind;
    std::string plural;
    std::string singular;
    std::vector<std::string> short_names;
    std::vector<std::string> categories;
    std::vector<std::string> verbs;
    bool namespaced = false;

    /// "deployments.apps"; the core group has no suffix: "pods".
    std::string name() const;
    /// "apps/v1", "v1": what an object of it carries as apiVersion.
    std::string api_version() const;
    bool can(std::string_view verb) const;

    bool operator==(const ApiResource&) const = default;
};

}  // namespace backup::model
