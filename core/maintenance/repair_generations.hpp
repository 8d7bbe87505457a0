// SPDX-License-Identifier: Apache-2.0
// Puts a new record of what is condemned in the place of damaged ones: nobody knows which packs
// they named, and a sweep that read them while they were whole may be asleep before it removes
// these. Why that is safe: docs/format.md section 9.
#pragma once

#include "core/maintenance/surroundings.hpp"
#include "core/repository/repository.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace backup::maintenance {

struct GenerationState {
    std::vector<content::Digest> condemned;  // by those that can be read; sorted
    std::vector<std::string> damaged;        // blobs
};

/// Throws what else keeps one from being read.
GenerationState look_at_generations(const repository::Repository& repository);

/// A copy of each of the damaged ones goes to quarantine; they stay until a sweep finds that
/// everybody knows the new record. `packs`: all that were there after `damaged` were found to be
/// so. The index must be whole. Durable when it returns.
void replace_generations(const repository::Repository& repository,
                         const std::vector<std::string>& damaged,
                         const std::map<content::Digest, std::uint64_t>& packs,
                         const Surroundings& surroundings);

}  // namespace backup::maintenance
