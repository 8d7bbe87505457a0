// SPDX-License-Identifier: Apache-2.0
#include "core/model/api_resource.hpp"

#include <algorithm>

namespace backup::model {

std::string ApiResource::name() const {
    return group.empty() ? plural : plural + "." + group;
}

std::string ApiResource::api_version() const {
    return group.empty() ? version : group + "/" + version;
}

bool ApiResource::can(std::string_view verb) const {
    return std::find(verbs.begin(), verbs.end(), verb) != verbs.end();
}

}  // namespace backup::model
