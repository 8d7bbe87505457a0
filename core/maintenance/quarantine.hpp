// SPDX-License-Identifier: Apache-2.0
// Where repair puts what it takes out of use: nothing is ever destroyed by it.
#pragma once

#include "core/backend/backend.hpp"
#include "core/content/hash.hpp"

#include <string>
#include <vector>

namespace backup::maintenance {

/// Copies the blob to quarantine/<name>, beside other bytes that are there already; durable when it
/// returns. The blob itself stays. Nothing happens when it is missing. Bytes that cannot be read
/// are zeros in the copy. Returns the copy's name.
std::string copy_to_quarantine(backend::Backend& backend, const std::string& name);

/// Packs of which a copy is there.
std::vector<content::Digest> list_quarantined_packs(backend::Backend& backend);

}  // namespace backup::maintenance
