// SPDX-License-Identifier: Apache-2.0
// Proofs about one pack: its tables agree with the index, and all of its bytes are what they claim.
#pragma once

#include "core/repository/chunk_store.hpp"
#include "core/repository/pack_reader.hpp"

namespace backup::maintenance {

/// Opens header and tables and compares them with what the index says of each chunk. Throws
/// CorruptData naming the pack.
void verify_pack_tables(const repository::Repository& repository,
                        const repository::ChunkStore& chunks,
                        const repository::IndexedPack& pack);

/// Reads every byte: the name of the blob, every frame, every chunk's id. Throws CorruptData.
void verify_pack_data(const repository::Repository& repository,
                      const repository::IndexedPack& pack);

}  // namespace backup::maintenance
