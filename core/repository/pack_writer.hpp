// SPDX-License-Identifier: Apache-2.0
// Builds one pack while it streams to the backend: seals frames, hashes what is stored, and ends
// with the tables. docs/format.md section 5. One thread.
#pragma once

#include "core/content/frame_group.hpp"
#include "core/repository/index_segment.hpp"
#include "core/repository/pack_layout.hpp"
#include "core/repository/parity.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace backup::repository {

class PackWriter {
  public:
    /// `makes_parity`: the blob parity/<pack> is made as well.
    PackWriter(const Repository& repository,
               BlobKind kind,
               Random& random,
               bool makes_parity = false);

    /// Whether the group can still get in without breaking the format's limits.
    bool has_room_for(const content::FrameGroup& group) const;
    void add(const content::FrameGroup& group);

    std::uint64_t stored_bytes() const { return written_; }

    /// Writes the tables; nothing can be added any more.
    void finish();
    /// After finish(): makes the blob visible under its name.
    void commit();

    // After finish().
    const IndexedPack& pack() const { return pack_; }

    const std::vector<PackChunk>& chunks() const { return chunks_; }

  private:
    /// Room for `size` bytes at the end of the buffer; what is before may be flushed.
    std::span<std::byte> reserve(std::size_t size);
    void seal(std::uint64_t section, ByteView associated, ByteView plain);
    void write(ByteView bytes);
    void flush();

    backend::Backend& backend_;
    BlobSealer sealer_;
    std::unique_ptr<backend::BlobWriter> blob_;
    content::Sha256 hash_;
    std::optional<ParityMaker> parity_;
    std::vector<PackFrame> frames_;
    std::vector<PackChunk> chunks_;
    IndexedPack pack_;
    Bytes buffer_;
    std::size_t filled_ = 0;
    std::uint64_t written_ = 0;  // with what is still in the buffer
};

}  // namespace backup::repository
