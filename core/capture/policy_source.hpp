// SPDX-License-Identifier: Apache-2.0
// Where the policy of `--policy` comes from: a file, or a ConfigMap of the cluster.
#pragma once

#include "core/capture/policy.hpp"
#include "core/kube/client.hpp"

#include <stop_token>
#include <string_view>

namespace backup::capture {

/// `source` is a path, or "configmap/NAMESPACE/NAME" ("cm/..."). Throws what parse_policy throws
/// with the source in front, NotFound for a file that is not there, and what the API server
/// answers: KubeNotFound, Forbidden.
Policy load_policy(std::string_view source, kube::Client& client, const std::stop_token& stop);

}  // namespace backup::capture
