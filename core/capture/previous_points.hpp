// SPDX-License-Identifier: Apache-2.0
// Earlier points of the same cluster: where a volume was seen last, so that only what changed since
// is read. Safe to use from many threads.
#pragma once

#include "core/base/synchronized.hpp"
#include "core/capture/capture_volume.hpp"
#include "core/repository/point_store.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace backup::capture {

class PreviousPoints {
  public:
    /// Looks at the points of `repository` that are of `cluster`: of the same uid, or, where the
    /// uid may not be read, the same server. Damaged points are left out.
    PreviousPoints(const repository::Repository& repository,
                   repository::ChunkStore& chunks,
                   const model::ClusterIdentity& cluster);

    /// The volume in the newest point that has it. Valid as long as this object.
    std::optional<PreviousVolume> find_volume(const std::string& ns, const std::string& claim);

    /// Of this cluster, newest first.
    const std::vector<repository::PointRecord>& records() const { return points_; }

    /// The newest point with one of these namespaces; empty: none.
    std::string newest_id(const std::vector<std::string>& namespaces) const;

  private:
    repository::TreeReader& reader_of(std::size_t number);
    std::optional<PreviousVolume> find_in(std::size_t number,
                                          const std::string& ns,
                                          const std::string& claim);

    repository::ChunkStore& chunks_;
    std::vector<repository::PointRecord> points_;  // newest first
    Synchronized<std::map<std::size_t, std::unique_ptr<repository::TreeReader>>> readers_;
};

}  // namespace backup::capture
