// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/quarantine.hpp"

#include "core/base/text.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/format.hpp"
#include "core/repository/salvage.hpp"
#include "core/repository/session_store.hpp"

namespace backup::maintenance {

using namespace repository;

std::string copy_to_quarantine(backend::Backend& backend, const std::string& name) {
    if (!backend.exists(name)) {
        return {};
    }
    const auto bytes = salvage_blob(backend, name, format::kLargestIndexSegment).bytes;
    const auto wanted = quarantine_name(name);
    auto place = wanted;
    // Another repair may be putting the same.
    for (int number = 2; !put_new(backend, place, bytes); ++number) {
        if (backend.size(place) == bytes.size() &&
            salvage_blob(backend, place, bytes.size()).bytes == bytes) {
            break;
        }
        place = concat(wanted, "-", number);
    }
    backend.sync();
    return place;
}

std::vector<content::Digest> list_quarantined_packs(backend::Backend& backend) {
    std::vector<content::Digest> packs;
    backend.list(kQuarantineFolder, [&packs](const backend::BlobInfo& info) {
        if (const auto pack = find_pack_digest(info.name.substr(kQuarantineFolder.size() + 1))) {
            packs.push_back(*pack);
        }
    });
    return packs;
}

}  // namespace backup::maintenance
