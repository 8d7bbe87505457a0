// SPDX-License-Identifier: Apache-2.0
// Keeps a point that was deleted from coming back by the hand of a collection that slept over the
// ticket of its writer, or of that writer (docs/format.md section 9): who completes a ticket says
// so before, and a forget that sees it leaves a tombstone.
#pragma once

#include "core/base/random.hpp"
#include "core/repository/point_store.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace backup::maintenance {

class CompletionNotice {
  public:
    /// Announces that the point may be put from a ticket, by this run and by its writer; durable
    /// when it returns. Only after this look for the session of the ticket. `repository` must
    /// outlive this.
    CompletionNotice(const repository::Repository& repository,
                     const content::Digest& point,
                     Random& random);
    /// Takes it back, with errors dropped: whoever made it puts nothing any more. When it has put
    /// the point, what stands for the writer stays: this one removes it when it wakes.
    ~CompletionNotice();
    CompletionNotice(const CompletionNotice&) = delete;
    CompletionNotice& operator=(const CompletionNotice&) = delete;

    /// False when the point is there already: then its writer has put it, or somebody who has
    /// announced that as well.
    bool put_point(const std::string& blob, ByteView bytes);

  private:
    void withdraw();

    const repository::Repository& repository_;
    std::string name_;
    std::string sleeper_name_;  // empty: it stays
};

/// A tombstone for those of the points that somebody may be about to put again; durable when it
/// returns. To be called when it is decided that they go and their tickets are gone, before they
/// are: from here on anybody may remove them.
void put_tombstones(const repository::Repository& repository,
                    std::span<const content::Digest> points);

/// Takes those that have a tombstone, so count as gone, out of points that were listed before, and
/// returns them.
std::vector<repository::PointRecord> take_buried(const repository::Repository& repository,
                                                 std::vector<repository::PointRecord>& points);

/// Removes tombstones of points that nobody can bring back any more, and these points, durably.
/// Those that are younger than `newest_seconds` (by the storage's clock) stay.
void remove_idle_tombstones(const repository::Repository& repository, std::int64_t newest_seconds);

}  // namespace backup::maintenance
