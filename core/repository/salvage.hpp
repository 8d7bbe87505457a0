// SPDX-License-Identifier: Apache-2.0
// Reads what a failing disk still gives of a blob: a bad sector costs its own bytes, not the blob.
// For those who look for damage or mend it; readers of content take the error as it is.
#pragma once

#include "core/backend/backend.hpp"
#include "core/base/error.hpp"

#include <stop_token>
#include <string_view>

namespace backup::repository {

struct SalvagedBlob {
    Bytes bytes;  // zeros where they could not be read
    std::uint64_t unreadable_bytes = 0;
};

/// The whole blob. Where reading it ends with Io it is read in pieces of 64 KiB, and a piece that
/// fails once more in pieces of 4 KiB (the sector of a disk). Throws as get_blob(), and Io when not
/// even the configuration can be read any more: then the storage is gone, and nothing is damaged.
SalvagedBlob salvage_blob(backend::Backend& backend,
                          std::string_view name,
                          std::uint64_t limit_bytes,
                          const std::stop_token& stop = {});

/// Whether an error that reading the blob ended with will be the same next time: the bytes are not
/// what they should be, or cannot be read while others can. Throws as salvage_blob().
bool is_damage(backend::Backend& backend,
               std::string_view name,
               std::uint64_t limit_bytes,
               const Error& error);

}  // namespace backup::repository
