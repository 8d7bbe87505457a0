// SPDX-License-Identifier: Apache-2.0
// The documents of API discovery, read. No requests.
#pragma once

#include "core/base/json.hpp"
#include "core/base/problem.hpp"
#include "core/model/api_resource.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace backup::kube {

struct DiscoveredVersion {
    std::string group;
    std::string version;
    std::vector<model::ApiResource> resources;
    bool is_stale = false;

    std::string name() const { return group.empty() ? version : group + "/" + version; }
};

/// apidiscovery.k8s.io v2 or v2beta1: groups by priority, versions in order of preference.
std::vector<DiscoveredVersion> read_aggregated_discovery(const Json& document);

/// /apis: group versions by name, the preferred one of each group first; no resources yet.
std::vector<DiscoveredVersion> read_group_list(const Json& document);

/// /api: the same for the core group.
std::vector<DiscoveredVersion> read_core_versions(const Json& document);

/// /api/v1, /apis/G/V.
std::vector<model::ApiResource> read_resource_list(const Json& document,
                                                   const DiscoveredVersion& version);

}  // namespace backup::kube
