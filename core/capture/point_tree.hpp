// SPDX-License-Identifier: Apache-2.0
// The tree of a point (docs/format.md section 6.4) from what was gathered.
#pragma once

#include "core/capture/claim_volumes.hpp"
#include "core/capture/command_output.hpp"
#include "core/capture/findings.hpp"
#include "core/capture/point_rules.hpp"

#include <vector>

namespace backup::capture {

struct PointParts {
    const ObjectsByNamespace& objects;
    const std::vector<ClaimVolume>& volumes;  // by namespace and claim
    const std::vector<CommandOutput>& outputs;
    StoredObject resources;      // extra/resources.json
    std::int64_t time_ns = 0;    // of the directories
    PointRulesFiles rules = {};  // extra/rules
};

repository::BuiltTree build_point_tree(repository::Writer& writer, const PointParts& parts);

/// docs/format.md section 6.4: extra/resources.json.
Json describe_resources(const std::vector<model::ApiResource>& resources);

}  // namespace backup::capture
