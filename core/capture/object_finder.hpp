// SPDX-License-Identifier: Apache-2.0
// One object by its name, as of the moment of the lists: how what stored objects name is read, and
// what changed since the previous point.
#pragma once

#include "core/base/synchronized.hpp"
#include "core/capture/kind_versions.hpp"
#include "core/capture/list_moment.hpp"
#include "core/kube/client.hpp"
#include "core/model/object.hpp"

#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>

namespace backup::capture {

struct FoundObject {
    std::optional<model::Object> object;  // empty: there was none
    /// The moment it is of. Empty: it could only be read by itself, as it was just then.
    std::string resource_version;
};

/// A list of one, which unlike GET can be as of `version`, and gives the same bytes as other lists.
/// Empty: as it is now. Throws what kube::list_objects does.
FoundObject list_one(kube::Client& client,
                     const model::ApiResource& resource,
                     const model::ObjectKey& key,
                     const std::string& version,
                     const std::stop_token& stop);

/// Safe to use from many threads; what is given must outlive it.
class ObjectFinder {
  public:
    ObjectFinder(kube::Client& client, const KindVersions& versions, ListMoment& moment)
        : client_(client),
          versions_(versions),
          moment_(moment) {}

    /// At the moment of the run where that can be; by GET where the kind may not be listed. Throws
    /// what the API server answers but "not found".
    FoundObject find(const model::ApiResource& resource,
                     const model::ObjectKey& key,
                     const std::stop_token& stop);

  private:
    FoundObject find_in_list(const model::ApiResource& resource,
                             const model::ObjectKey& key,
                             const std::stop_token& stop);
    FoundObject get(const model::ApiResource& resource,
                    const model::ObjectKey& key,
                    const std::stop_token& stop);

    kube::Client& client_;
    const KindVersions& versions_;
    ListMoment& moment_;
    /// "plural.group" and namespace: asked once.
    Synchronized<std::set<std::pair<std::string, std::string>>> unlistable_;
};

}  // namespace backup::capture
