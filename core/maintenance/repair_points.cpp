// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/repair_points.hpp"

#include "core/base/stop_on_signal.hpp"
#include "core/base/text.hpp"
#include "core/maintenance/verify_tree.hpp"

#include <iterator>

namespace backup::maintenance {

using namespace repository;

namespace {

std::vector<Problem> walk(const PointRecord& record,
                          const IsStored& is_stored,
                          TreeVerifier& trees,
                          const std::stop_token& stop) {
    std::vector<Problem> lost;
    for (const auto* const stream : {&record.pages, &record.ledger, &record.packs}) {
        for (const auto& [id, length] : *stream) {
            if (!is_stored(id.short_id(), length)) {
                lost.push_back({record.point.name,
                                concat("its list ", id.hex(), " is not stored"),
                                ErrorCode::CorruptData});
            }
        }
    }
    trees.verify(record, lost, stop);
    return lost;
}

}  // namespace

PointLosses find_losses(const std::vector<PointRecord>& points,
                        ChunkStore& chunks,
                        const IsStored& is_stored,
                        const Surroundings& surroundings) {
    PointLosses losses;
    TreeVerifier trees(chunks, is_stored);
    TreeVerifier trees_again(chunks, is_stored);
    for (const auto& record : points) {
        throw_if_stopped(surroundings.stop);
        auto lost = walk(record, is_stored, trees, surroundings.stop);
        if (!lost.empty()) {
            lost = walk(record, is_stored, trees_again, surroundings.stop);
        }
        if (!lost.empty()) {
            losses.damaged_points.push_back(record.point.id);
        }
        losses.checks.insert_or_assign(record.point.id,
                                       Check{surroundings.clock.now(), lost.empty()});
        std::move(lost.begin(), lost.end(), std::back_inserter(losses.lost));
    }
    return losses;
}

}  // namespace backup::maintenance
