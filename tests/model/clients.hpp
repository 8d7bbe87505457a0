// SPDX-License-Identifier: Apache-2.0
// Several clients that share one repository and do to it whatever clients do, by a seed; between
// any two of their calls it is looked whether what they were promised is still true.
#pragma once

#include "tests/model/client_backend.hpp"
#include "tests/model/oracle.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace backup::model_test {

/// Which half of the protocol is broken on purpose.
enum class Mutation {
    None,
    WritersIgnoreCollections,  // a writer does not see which packs are condemned
    PrunesIgnoreSessions,      // a prune does not see who is writing
    FencesDoNotExclude,        // two may end one session
    ForgetsIgnoreHolds,
    HoldsIgnoreForgets,    // a hold does not see who is about to remove the point
    ForgetsIgnorePutters,  // a forget does not see who may put the point again
    ForgetsIgnoreWriters,  // likewise, but only not that it may be the writer
    PruneWithoutProtocol,  // packs that no present point needs are removed at once
};

struct Options {
    std::size_t clients = 4;
    unsigned operations = 12;  // of each client
    Troubles troubles;
    Mutation mutation = Mutation::None;
    /// Every other operation is a hold, a release or a forget.
    bool mostly_holds = false;
    /// Also between two calls, not only behind an operation: one in so many removals.
    std::uint64_t checks_one_in = 4;
    StopRule stop_rule = StopRule::OneThreadCalls;
};

struct Outcome {
    std::vector<std::string> failures;  // empty: all promises were kept
    std::string trace;
    std::uint64_t digest = 0;
    std::uint64_t steps = 0;
    std::uint64_t races = 0;
    std::uint64_t points_committed = 0;
    std::uint64_t points_forgotten = 0;
    std::uint64_t points_held = 0;
    std::uint64_t packs_removed = 0;
    std::uint64_t backups_fenced = 0;
};

Outcome run_clients(std::uint64_t seed, const Options& options);

}  // namespace backup::model_test
