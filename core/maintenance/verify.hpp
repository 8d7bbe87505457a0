// SPDX-License-Identifier: Apache-2.0
// Looks whether a repository can give back what its points promise. Never changes anything.
#pragma once

#include "core/base/problem.hpp"
#include "core/base/progress.hpp"
#include "core/repository/repository.hpp"

#include <cstdint>
#include <stop_token>
#include <vector>

namespace backup::maintenance {

enum class VerifyLevel {
    /// Keys, index and points can be read; every pack they name is there and of the right size.
    Quick,
    /// Also all tables of packs; the tree of every point, and that each of its chunks is stored.
    Default,
    /// Also every stored byte: names of blobs, frames, and each chunk against its keyed hash.
    ReadData,
};

struct VerifyOptions {
    VerifyLevel level = VerifyLevel::Default;
    /// Of the packs, for ReadData: a sample chosen by `sample_seed` (any number; another one gives
    /// another sample).
    unsigned percent = 100;
    std::uint64_t sample_seed = 0;
    unsigned threads = 2;
};

struct VerifyResult {
    /// The subject is a blob's name, a point's, or "point:path".
    std::vector<Problem> problems;
    std::uint64_t points = 0;
    std::uint64_t packs = 0;
    std::uint64_t packs_read = 0;  // in full
    std::uint64_t chunks = 0;      // named by the index
    std::uint64_t bytes_read = 0;  // of packs read in full
};

/// Throws only what makes the whole work impossible: Interrupted, or a list that cannot be had.
VerifyResult verify_repository(const repository::Repository& repository,
                               const VerifyOptions& options,
                               Progress& progress,
                               std::stop_token stop = {});

}  // namespace backup::maintenance
