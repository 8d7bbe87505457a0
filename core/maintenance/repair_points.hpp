// SPDX-License-Identifier: Apache-2.0
// What points have lost for good, file by file: the last step of a repair. Changes nothing.
#pragma once

#include "core/base/problem.hpp"
#include "core/maintenance/checks.hpp"
#include "core/maintenance/surroundings.hpp"
#include "core/maintenance/verify_tree.hpp"
#include "core/repository/chunk_store.hpp"
#include "core/repository/point_store.hpp"

#include <map>
#include <string>
#include <vector>

namespace backup::maintenance {

struct PointLosses {
    std::vector<Problem> lost;                // "point:path"
    std::vector<std::string> damaged_points;  // ids
    std::map<std::string, Check> checks;      // by id
};

/// `is_stored`: the chunk has a place that can be read. A point that seems to have lost something
/// is walked once more: a storage that stumbled once is no loss.
PointLosses find_losses(const std::vector<repository::PointRecord>& points,
                        repository::ChunkStore& chunks,
                        const IsStored& is_stored,
                        const Surroundings& surroundings);

}  // namespace backup::maintenance
