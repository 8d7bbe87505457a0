// SPDX-License-Identifier: Apache-2.0
// What equal resource versions prove for each kind: that two objects are the same bytes, and that
// two lists are of one moment. No requests.
#pragma once

#include "core/model/api_resource.hpp"
#include "core/model/object.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace backup::capture {

class KindVersions {
  public:
    /// metadata.generation by name of a CustomResourceDefinition ("carts.example.com").
    using Definitions = std::map<std::string, std::string, std::less<>>;

    KindVersions() = default;

    /// `server_version` is that of GET /version. Kinds that are neither built in nor in
    /// `definitions` may come from another server (an aggregated API): nothing is known of them.
    KindVersions(std::string server_version, Definitions definitions)
        : server_version_(std::move(server_version)),
          definitions_(std::move(definitions)) {}

    /// Its objects lie in the storage that most others lie in, so that one resourceVersion means
    /// the same moment for all of them. (API servers may keep events elsewhere:
    /// --etcd-servers-overrides.)
    bool shares_storage(const model::ApiResource& resource) const;

    /// Whether mark_of() ever says anything of this kind.
    bool can_prove(const model::ApiResource& resource) const {
        return !server_version_.empty() && find_generation(resource) != nullptr;
    }

    /// A number that stands for exactly these bytes: uid, resourceVersion, and what decides how the
    /// server shows them (its version, the API version, the CustomResourceDefinition). 0: nothing
    /// can be said.
    std::uint64_t mark_of(const model::ApiResource& resource, const model::Object& object) const;

  private:
    const std::string* find_generation(const model::ApiResource& resource) const;

    std::string server_version_;
    Definitions definitions_;
};

}  // namespace backup::capture
