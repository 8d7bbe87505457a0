// SPDX-License-Identifier: Apache-2.0
// Small blobs that hold one JSON record: sessions, collection, holds (docs/format.md section 9).
#pragma once

#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/repository/repository.hpp"
#include "core/repository/sealed_blob.hpp"

#include <string>

namespace backup::repository {

/// Plain bytes such a record may have; larger ones are refused when they are written and read.
inline constexpr std::uint64_t kLargestStoredRecord = 256U << 20U;
/// JSON values in it, likewise: the checks of two million packs.
inline constexpr std::size_t kMostStoredValues = std::size_t{1} << 23U;

Bytes encode_record(const Repository& repository, BlobKind kind, const Json& json, Random& random);

/// Throws CorruptData, UnknownFormat (by the record's member version, which must be 1); `what`
/// names the blob.
Json decode_record(const Repository& repository,
                   BlobKind kind,
                   ByteView blob,
                   const std::string& what);

/// Reads and decodes the blob `name`; throws NotFound when it is missing.
Json read_record(const Repository& repository, BlobKind kind, const std::string& name);

/// Empty when the blob is missing, which it may become at any time while others work.
std::optional<Json> find_record(const Repository& repository,
                                BlobKind kind,
                                const std::string& name);

/// Whether reading the blob, which ended with this error, will end so next time.
bool is_damaged_record(const Repository& repository, const std::string& blob, const Error& error);

}  // namespace backup::repository
