// SPDX-License-Identifier: Apache-2.0
#include "core/capture/kind_versions.hpp"

#include "core/base/text.hpp"
#include "core/capture/references.hpp"
#include "core/content/hash.hpp"

#include <algorithm>

namespace backup::capture {

const std::string* KindVersions::find_generation(const model::ApiResource& resource) const {
    static const std::string built_in;
    if (!may_be_custom(resource.group)) {
        return &built_in;
    }
    const auto found = definitions_.find(resource.name());
    return found == definitions_.end() || found->second.empty() ? nullptr : &found->second;
}

bool KindVersions::shares_storage(const model::ApiResource& resource) const {
    return resource.plural != "events" && find_generation(resource) != nullptr;
}

std::uint64_t KindVersions::mark_of(const model::ApiResource& resource,
                                    const model::Object& object) const {
    const auto* generation = find_generation(resource);
    if (generation == nullptr || server_version_.empty() || object.uid().empty() ||
        object.resource_version().empty()) {
        return 0;
    }
    const auto digest = content::sha256(as_bytes(concat(server_version_,
                                                        "\n",
                                                        resource.api_version(),
                                                        "\n",
                                                        *generation,
                                                        "\n",
                                                        object.uid(),
                                                        "\n",
                                                        object.resource_version())));
    return std::max<std::uint64_t>(load_le<std::uint64_t>(digest.data()), 1);
}

}  // namespace backup::capture
