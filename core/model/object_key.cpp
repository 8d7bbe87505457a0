// SPDX-License-Identifier: Apache-2.0
#include "core/model/object_key.hpp"

namespace backup::model {

std::string format_object_key(const ObjectKey& key) {
    return key.resource + "/" + (key.ns.empty() ? "" : key.ns + "/") + key.name;
}

}  // namespace backup::model
