// SPDX-License-Identifier: Apache-2.0
// Turns parity on for a repository, for what is stored already too, and off; tells what it lacks.
#pragma once

#include "core/base/problem.hpp"
#include "core/maintenance/surroundings.hpp"
#include "core/repository/repository.hpp"

#include <vector>

namespace backup::maintenance {

struct ParityResult {
    std::uint64_t packs = 0;
    std::uint64_t made = 0;         // also those made again because they were damaged
    std::uint64_t removed = 0;      // parity blobs
    std::uint64_t bytes = 0;        // of parity made or removed
    std::vector<Problem> problems;  // packs that are damaged already: parity is not made of damage
};

/// Can be run again at any time: makes what is missing. With `dry_run` only counts.
ParityResult turn_parity_on(const repository::Repository& repository,
                            bool dry_run,
                            const Surroundings& surroundings);
ParityResult turn_parity_off(const repository::Repository& repository,
                             bool dry_run,
                             const Surroundings& surroundings);

/// Packs that are there and have no parity although the repository asks for it, sorted: their
/// parity is lost, or they are older than the mark. Empty while parity is off.
std::vector<content::Digest> list_packs_without_parity(const repository::Repository& repository);

}  // namespace backup::maintenance
