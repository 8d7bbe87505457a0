// SPDX-License-Identifier: Apache-2.0
// Looks whether a repository can give back what its points promise. Changes nothing, but for what
// verify_and_remember() writes down.
#pragma once

#include "core/base/problem.hpp"
#include "core/base/progress.hpp"
#include "core/maintenance/checks.hpp"
#include "core/maintenance/surroundings.hpp"
#include "core/repository/repository.hpp"

#include <array>
#include <cstdint>
#include <optional>
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
    /// Of the stored bytes of packs, for ReadData: those that were not read for the longest time,
    /// at least so much of them.
    unsigned percent = 100;
    unsigned threads = 2;
    Checks known = {};   // what was read before
    TimePoint now = {};  // for what is read in this run
};

/// How long ago the data was read in full.
struct ReadAge {
    struct Within {
        unsigned days = 0;
        std::uint64_t bytes = 0;
    };

    std::uint64_t all_bytes = 0;
    std::uint64_t never_bytes = 0;
    std::array<Within, 5> within{{{1, 0}, {7, 0}, {30, 0}, {90, 0}, {365, 0}}};
    std::optional<TimePoint> oldest;  // of what was ever read
};

struct VerifyResult {
    /// The subject is a blob's name, a point's, or "point:path".
    std::vector<Problem> problems;
    /// Likewise: no point loses anything by it, now.
    std::vector<Problem> warnings;
    std::uint64_t points = 0;
    std::uint64_t packs = 0;
    std::uint64_t packs_read = 0;       // in full
    std::uint64_t packs_replaced = 0;   // gone, and nobody misses them
    std::uint64_t packs_condemned = 0;  // a prune takes them away soon
    std::uint64_t packs_unindexed = 0;  // there, but in no index: of runs at work, or that died
    std::uint64_t packs_bare = 0;       // lack the parity that the repository asks for
    std::uint64_t chunks = 0;           // named by the index
    std::uint64_t bytes_read = 0;       // of packs read in full
    ReadAge read_age;                   // with what this run read
    std::vector<std::string> damaged_points;  // ids
    Checks found;                             // of this run
    /// Why verify_and_remember() could not write down what it found.
    std::optional<Error> not_remembered;
};

/// Throws only what makes the whole work impossible: Interrupted, or a list that cannot be had.
VerifyResult verify_repository(const repository::Repository& repository,
                               const VerifyOptions& options,
                               Progress& progress,
                               std::stop_token stop = {});

/// Fills in `known` and `now`, and keeps what was found for the next run, also of one that is
/// interrupted.
VerifyResult verify_and_remember(const repository::Repository& repository,
                                 VerifyOptions options,
                                 const Surroundings& surroundings);

}  // namespace backup::maintenance
