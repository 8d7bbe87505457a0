// SPDX-License-Identifier: Apache-2.0
// Writes an index segment from a stream of records sorted by id: docs/format.md section 8. Memory:
// a block, the packs, and 8 bytes a record (about 50 for a moment while the filter is made). One
// thread.
#pragma once

#include "core/repository/index_segment.hpp"

#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace backup::repository {

/// The bytes of a segment, one piece behind the other. Does not check what it is given.
class IndexEncoder {
  public:
    using Sink = std::function<void(ByteView bytes)>;

    IndexEncoder(const Repository& repository, Random& random, Sink sink);

    void add(const IndexRecord& record);
    void finish(const std::vector<IndexedPack>& packs,
                const std::vector<content::Digest>& replaced);

  private:
    void end_block();
    void put_section(std::uint64_t section, ByteView associated, ByteView plain);
    void put(ByteView bytes);

    BlobSealer sealer_;
    Sink sink_;
    std::vector<IndexRecord> block_;
    Bytes sealed_;
    Bytes fences_;
    std::vector<std::uint64_t> keys_;
    std::uint64_t records_ = 0;
    std::uint32_t blocks_ = 0;
    std::uint64_t written_ = 0;
};

/// A segment straight into the backend.
class IndexWriter {
  public:
    IndexWriter(const Repository& repository, Random& random);
    ~IndexWriter();
    IndexWriter(const IndexWriter&) = delete;
    IndexWriter& operator=(const IndexWriter&) = delete;

    /// Its number, for records; the same one when it was added before.
    std::uint32_t add_pack(const IndexedPack& pack);
    /// Sorted by id; throws Internal when it is not, or names a pack that was not added.
    void add(const IndexRecord& record);
    /// A segment or a pack nobody needs any more once this segment is there.
    void add_replaced(const content::Digest& name);

    std::uint64_t record_count() const { return records_; }

    /// Makes the segment visible, durable after the next sync of the backend. Returns the digest
    /// that is its name. Nothing can be added any more.
    content::Digest commit();

    std::uint64_t stored_bytes() const { return written_; }

  private:
    std::unique_ptr<backend::BlobWriter> blob_;
    content::Sha256 hash_;
    Bytes buffer_;
    std::vector<IndexedPack> packs_;
    std::map<content::Digest, std::uint32_t> pack_numbers_;
    std::vector<content::Digest> replaced_;
    content::ShortId last_;
    std::uint64_t records_ = 0;
    std::uint64_t written_ = 0;
    IndexEncoder encoder_;
};

}  // namespace backup::repository
