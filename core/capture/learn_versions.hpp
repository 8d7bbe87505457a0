// SPDX-License-Identifier: Apache-2.0
// The few requests at the beginning of a run that tell what versions of this cluster prove.
#pragma once

#include "core/capture/kind_versions.hpp"
#include "core/kube/discovery.hpp"
#include "core/kube/list.hpp"

#include <stop_token>
#include <string>

namespace backup::capture {

/// Asks for the metadata of all CustomResourceDefinitions when there are kinds that may be custom.
/// Where they may not be listed, such kinds are fetched each time and at moments of their own.
KindVersions learn_kind_versions(kube::Client& client,
                                 const kube::Discovery& discovery,
                                 const std::string& server_version,
                                 const std::stop_token& stop);

/// The newest resourceVersion, by a list of one object of `resource` in `ns` (empty: of the
/// cluster); empty when that may not be listed.
std::string find_newest_version(kube::Client& client,
                                const model::ApiResource& resource,
                                const std::string& ns,
                                const std::stop_token& stop);

}  // namespace backup::capture
