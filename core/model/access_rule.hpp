// SPDX-License-Identifier: Apache-2.0
// A right that was missing, and the line of a Role that gives it. Knows no API server.
#pragma once

#include "core/base/json.hpp"

#include <string>
#include <vector>

namespace backup::model {

struct AccessRule {
    std::string verb;
    std::string group;       // empty: the core group
    std::string resource;    // plural, with "/subresource"
    std::string name_space;  // empty: cluster-wide

    auto operator<=>(const AccessRule&) const = default;
};

/// Items for `rules:` of a Role, as few as possible, for the rules of one namespace:
/// `- {apiGroups: [""], resources: ["pods", "secrets"], verbs: ["get", "list"]}`.
std::vector<std::string> format_role_rules(const std::vector<AccessRule>& rules);

/// "add to a Role in namespace shop: - {apiGroups: ...}"; empty without rules.
std::string describe_missing(const std::vector<AccessRule>& rules);

/// {"verb": "list", "apiGroup": "", "resource": "secrets", "namespace": "shop"}
Json to_json(const AccessRule& rule);
AccessRule access_rule_from_json(const Json& json);

}  // namespace backup::model
