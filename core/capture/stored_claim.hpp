// SPDX-License-Identifier: Apache-2.0
// What the plan for a volume asks of its PersistentVolumeClaim. All that were stored are known at a
// time, so no more than that is kept of them.
#pragma once

#include "core/base/json.hpp"
#include "core/capture/object_facts.hpp"
#include "core/model/object.hpp"
#include "core/model/selector.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace backup::capture {

struct StoredClaim {
    model::ObjectKey key;
    model::Labels labels;
    model::Labels annotations;           // but for what `kubectl apply` remembers in them
    std::string volume;                  // the PersistentVolume; empty when there is none yet
    std::optional<std::uint64_t> bytes;  // that it has, otherwise that it asks for
    std::string storage_class;
    std::vector<std::string> access_modes;
    bool is_block = false;
    std::string phase;  // Bound, Pending, Lost
};

StoredClaim read_claim(ObjectFacts facts, const Json& document);

}  // namespace backup::capture
