// SPDX-License-Identifier: Apache-2.0
// Whole small blobs, with a limit on what is taken into memory.
#pragma once

#include "core/backend/backend.hpp"
#include "core/content/hash.hpp"

#include <string_view>

namespace backup::repository {

/// Throws CorruptData when the blob is larger than `limit_bytes`, NotFound when it is missing.
Bytes get_blob(backend::Backend& backend, std::string_view name, std::uint64_t limit_bytes);

/// Also proves that the bytes are those the name promises; throws CorruptData otherwise.
Bytes get_named_blob(backend::Backend& backend,
                     std::string_view name,
                     const content::Digest& digest,
                     std::uint64_t limit_bytes);

}  // namespace backup::repository
