// SPDX-License-Identifier: Apache-2.0
// Short ways to write kinds and objects in the tests of this layer.
#pragma once

#include "core/base/json.hpp"
#include "core/capture/object_facts.hpp"
#include "core/model/api_resource.hpp"

#include <string>
#include <string_view>

namespace backup::testing {

/// "deployments.apps", "pods": with the verbs every stored kind has.
inline model::ApiResource make_resource(std::string_view name, bool namespaced = true) {
    model::ApiResource resource;
    const auto dot = name.find('.');
    resource.plural = name.substr(0, dot);
    resource.group = dot == std::string_view::npos ? "" : name.substr(dot + 1);
    resource.version = "v1";
    resource.singular = resource.plural.substr(0, resource.plural.size() - 1);
    resource.kind = resource.singular;
    resource.verbs = {"create", "delete", "get", "list"};
    resource.namespaced = namespaced;
    return resource;
}

inline capture::ObjectFacts make_facts(std::string_view resource,
                                       std::string_view ns,
                                       std::string_view name) {
    capture::ObjectFacts facts;
    facts.key = {std::string(resource), std::string(ns), std::string(name)};
    return facts;
}

}  // namespace backup::testing
