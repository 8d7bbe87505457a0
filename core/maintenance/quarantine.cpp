// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/quarantine.hpp"

#include "core/base/text.hpp"
#include "core/repository/blob_access.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/format.hpp"

namespace backup::maintenance {

using namespace repository;

std::string copy_to_quarantine(backend::Backend& backend, const std::string& name) {
    if (!backend.exists(name)) {
        return {};
    }
    const auto bytes = get_blob(backend, name, format::kLargestIndexSegment);
    const auto wanted = quarantine_name(name);
    auto place = wanted;
    for (int number = 2; backend.exists(place); ++number) {
        if (backend.size(place) == bytes.size() && backend.get(place) == bytes) {
            return place;
        }
        place = concat(wanted, "-", number);
    }
    backend.put(place, bytes, true);
    backend.sync();
    return place;
}

}  // namespace backup::maintenance
