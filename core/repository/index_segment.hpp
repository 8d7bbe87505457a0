// SPDX-License-Identifier: Apache-2.0
// An index segment, encoded and decoded as a whole: docs/format.md section 8. Says which chunk lies
// where. For large ones: index_reader.hpp and index_writer.hpp.
#pragma once

#include "core/content/chunk_id.hpp"
#include "core/repository/repository.hpp"
#include "core/repository/sealed_blob.hpp"

#include <string>
#include <vector>

namespace backup::repository {

/// What a reader needs to open a pack without having looked at it.
struct IndexedPack {
    content::Digest name{};
    Salt salt{};  // ties the name to the bytes: another pack under this name is noticed
    std::uint64_t size = 0;
    std::uint64_t frame_table_offset = 0;
    std::uint32_t frame_table_bytes = 0;  // stored, with the tag
    std::uint32_t frame_count = 0;
    BlobKind kind = BlobKind::DataPack;

    bool operator==(const IndexedPack&) const = default;
};

struct IndexRecord {
    content::ShortId id;
    std::uint32_t pack = 0;  // number in the table of packs
    std::uint32_t first_frame = 0;
    std::uint32_t offset = 0;
    std::uint32_t length = 0;

    bool operator==(const IndexRecord&) const = default;
};

struct IndexSegment {
    std::vector<IndexRecord> records;  // sorted by id
    std::vector<IndexedPack> packs;
    std::vector<content::Digest> replaced;  // names of segments and packs: superfluous
};

Bytes encode_index(const Repository& repository, const IndexSegment& segment, Random& random);

/// Throws CorruptData or UnknownFormat; `what` names the blob.
IndexSegment decode_index(const Repository& repository, ByteView blob, const std::string& what);

}  // namespace backup::repository
