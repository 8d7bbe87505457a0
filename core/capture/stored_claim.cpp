// SPDX-License-Identifier: Apache-2.0
#include "core/capture/stored_claim.hpp"

#include "core/model/quantity.hpp"

#include <utility>

namespace backup::capture {

namespace {

std::vector<std::string> texts_in(const Json* list) {
    std::vector<std::string> texts;
    if (list != nullptr && list->is_array()) {
        for (const auto& item : list->items()) {
            if (item.is_string()) {
                texts.push_back(item.string());
            }
        }
    }
    return texts;
}

std::optional<std::uint64_t> capacity_of(const Json& claim) {
    const auto capacity = model::find_quantity(claim.text_at({"status", "capacity", "storage"}));
    const auto asked =
        model::find_quantity(claim.text_at({"spec", "resources", "requests", "storage"}));
    return capacity ? capacity : asked;
}

}  // namespace

StoredClaim read_claim(ObjectFacts facts, const Json& document) {
    StoredClaim claim;
    claim.key = std::move(facts.key);
    claim.labels = std::move(facts.labels);
    claim.annotations = std::move(facts.annotations);
    claim.annotations.erase("kubectl.kubernetes.io/last-applied-configuration");
    claim.volume = document.text_at({"spec", "volumeName"});
    claim.bytes = capacity_of(document);
    claim.storage_class = document.text_at({"spec", "storageClassName"});
    claim.access_modes = texts_in(document.find_path({"spec", "accessModes"}));
    claim.is_block = document.text_at({"spec", "volumeMode"}) == "Block";
    claim.phase = document.text_at({"status", "phase"});
    return claim;
}

}  // namespace backup::capture
