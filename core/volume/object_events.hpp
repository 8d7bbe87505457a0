// SPDX-License-Identifier: Apache-2.0
// What the cluster's programs said of one object.
#pragma once

#include "core/base/json.hpp"
#include "core/kube/client.hpp"

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace backup::volume {

/// Of an object of that name, which may be gone already; nothing when they may not be listed.
/// Throws Interrupted.
std::optional<std::vector<Json>> find_events(kube::Client& client,
                                             const std::string& ns,
                                             const std::string& name,
                                             const std::stop_token& stop);

}  // namespace backup::volume
