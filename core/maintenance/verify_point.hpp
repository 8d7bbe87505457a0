// SPDX-License-Identifier: Apache-2.0
// Looks at all that one point refers to, and judges what that says of the point: a storage that
// only stumbled says nothing.
#pragma once

#include "core/base/problem.hpp"
#include "core/maintenance/verify_tree.hpp"
#include "core/repository/point_store.hpp"

#include <optional>
#include <stop_token>
#include <vector>

namespace backup::maintenance {

struct PointFindings {
    std::vector<Problem> problems;
    /// Empty when the problems may be gone the next time: nothing is known of the point.
    std::optional<bool> is_sound;
};

/// Whether such an error can be the storage's and not the blob's.
bool may_pass(ErrorCode code);

/// One thread.
class PointVerifier {
  public:
    PointVerifier(const repository::Repository& repository,
                  repository::ChunkStore& chunks,
                  const IsStored& is_stored)
        : repository_(repository),
          chunks_(chunks),
          is_stored_(is_stored),
          trees_(chunks, is_stored) {}

    /// What cannot be read is asked for once more: when it is still so while others can be read,
    /// it counts as lost. Throws Interrupted.
    PointFindings verify(const repository::PointRecord& record, const std::stop_token& stop);

  private:
    std::vector<Problem> look_at(const repository::PointRecord& record,
                                 const std::stop_token& stop);
    std::optional<bool> judge_again(const repository::PointRecord& record,
                                    const std::stop_token& stop);

    const repository::Repository& repository_;
    repository::ChunkStore& chunks_;
    IsStored is_stored_;
    TreeVerifier trees_;
};

}  // namespace backup::maintenance
