// SPDX-License-Identifier: Apache-2.0
// Proofs about one pack: its tables agree with the index, and all of its bytes are what they claim.
#pragma once

#include "core/base/error.hpp"
#include "core/repository/chunk_store.hpp"
#include "core/repository/pack_reader.hpp"

#include <functional>
#include <optional>
#include <stop_token>
#include <vector>

namespace backup::maintenance {

/// Opens header and tables and compares them with what the index says of each chunk. Throws
/// CorruptData naming the pack.
void verify_pack_tables(const repository::Repository& repository,
                        const repository::ChunkStore& chunks,
                        const repository::IndexedPack& pack);

/// What reading a pack in full has shown.
struct PackScan {
    std::optional<Error> damage;  // the first that was met; nothing: the pack is sound
    /// Whether the tables could be read; without them nothing of the pack can be had.
    bool has_tables = false;
    std::vector<repository::PackChunk> lost;
};

/// Called with each chunk that is what its id says.
using ChunkVisit = std::function<void(const repository::PackChunk&, ByteView plain)>;

/// Reads every byte: the name of the blob, every frame, every chunk's id; goes on behind damage,
/// and behind bytes the disk does not give. Throws only what is no damage of the pack (Interrupted,
/// Io when the storage as a whole cannot be read...).
PackScan scan_pack(const repository::Repository& repository,
                   const repository::IndexedPack& pack,
                   const ChunkVisit& visit = {},
                   const std::stop_token& stop = {});

}  // namespace backup::maintenance
