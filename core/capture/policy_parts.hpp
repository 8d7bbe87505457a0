// SPDX-License-Identifier: Apache-2.0
// Parts that our policies and Velero's have in common, read from a node of either.
#pragma once

#include "core/capture/policy_node.hpp"
#include "core/capture/volume_rules.hpp"
#include "core/model/selector.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace backup::capture {

/// `a=b,c in (d,e)`, or the map of Kubernetes: matchLabels and matchExpressions.
model::LabelSelector read_label_selector(const PolicyNode& node);

/// ">=10Gi", "<1Ti", "1Gi..100Gi", "..5Gi", "10Gi" alone: exactly that.
SizeRange read_size_range(const PolicyNode& node);

/// "RWO" and the like become the words of the API.
std::vector<std::string> read_access_modes(const PolicyNode& node);

/// "csi", "hostPath", "emptyDir", ...: the members of a PersistentVolume's or pod volume's source.
std::vector<std::string> read_volume_types(const PolicyNode& node);

bool read_is_block(const PolicyNode& node);

}  // namespace backup::capture
