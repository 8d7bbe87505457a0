// SPDX-License-Identifier: Apache-2.0
// The points of a repository: listing, reading, and the record each blob holds (docs/format.md 7).
#pragma once

#include "core/base/error.hpp"
#include "core/model/recovery_point.hpp"
#include "core/repository/chunk_store.hpp"
#include "core/repository/directory_ref.hpp"
#include "core/repository/repository.hpp"

#include <functional>
#include <span>
#include <utility>
#include <vector>

namespace backup::repository {

/// Bytes kept as chunks of kind L.
using Stream = std::vector<std::pair<content::ChunkId, std::uint32_t>>;

struct PointRecord {
    model::RecoveryPoint point;
    DirectoryRef root;
    Stream pages;
    Stream ledger;
    Stream packs;
};

/// All points, oldest first (by creation, then id). A damaged one is reported to `on_damaged`
/// (blob name, error) and left out; without a callback it throws. One that is removed meanwhile is
/// left out. Those in `known` are taken over without being read again (when they are still there).
std::vector<PointRecord> list_points(
    const Repository& repository,
    const std::function<void(const std::string&, const Error&)>& on_damaged = {},
    std::span<const PointRecord> known = {});

/// Takes no more memory than the index says is there. `check` sees all that has come behind each
/// chunk, so that a list that lies is refused early.
Bytes read_stream(ChunkStore& chunks,
                  const Stream& stream,
                  std::uint64_t limit_bytes,
                  const std::function<void(ByteView so_far)>& check = {});
/// The packs the point lists, sorted; throws CorruptData.
std::vector<content::Digest> read_pack_list(ChunkStore& chunks, const PointRecord& record);
model::Ledger read_ledger(ChunkStore& chunks, const PointRecord& record);

Bytes encode_point(const Repository& repository, const PointRecord& record, Random& random);
PointRecord decode_point(const Repository& repository, ByteView blob);

}  // namespace backup::repository
