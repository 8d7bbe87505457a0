// SPDX-License-Identifier: Apache-2.0
// Copies the chunks that are still needed out of packs that are mostly dead weight.
#pragma once

#include "core/base/problem.hpp"
#include "core/maintenance/census.hpp"
#include "core/maintenance/surroundings.hpp"
#include "core/repository/chunk_store.hpp"
#include "core/repository/session.hpp"

#include <vector>

namespace backup::maintenance {

struct RepackResult {
    std::vector<content::Digest> emptied;  // whose needed chunks all have another place now
    std::uint64_t copied_bytes = 0;        // plain
    std::uint64_t stored_bytes = 0;
    std::vector<Problem> problems;  // packs that could not be read in full stay
};

/// Copies what `census` says the packs are the keepers of; packs and index are durable when it
/// returns. Every chunk is proved by its keyed hash before it is copied. Under `session`, so that
/// no other collection takes the new packs for rubbish. `random` must be safe for any thread.
RepackResult repack(const repository::Repository& repository,
                    repository::ChunkStore& chunks,
                    const Census& census,
                    const std::vector<const PackUse*>& packs,
                    const Surroundings& surroundings,
                    repository::Session& session);

}  // namespace backup::maintenance
