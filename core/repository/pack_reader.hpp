// SPDX-License-Identifier: Apache-2.0
// An open pack: its key, the table of its frames, and its file while it is read. Any thread.
#pragma once

#include "core/base/synchronized.hpp"
#include "core/content/compression.hpp"
#include "core/repository/index_segment.hpp"
#include "core/repository/pack_layout.hpp"

#include <memory>
#include <string>
#include <vector>

namespace backup::repository {

/// What decoding needs besides the pack: one per thread at a time.
struct DecodeState {
    content::Decompressor decompressor;
    Bytes sealed;
    Bytes opened;
};

class PackReader {
  public:
    /// Reads header and frame table. Throws CorruptData when the pack is missing, damaged or not
    /// the one the index means.
    PackReader(const Repository& repository, const IndexedPack& pack);

    std::uint32_t frame_count() const { return static_cast<std::uint32_t>(frames_.size()); }

    /// Throws CorruptData when there is no such frame, as the two below.
    const PackFrame& frame(std::uint32_t number) const;
    std::uint64_t stored_bytes(std::uint32_t number) const;

    /// Reads `count` frames in one piece and decodes them one behind the other into `out`, whose
    /// size is the sum of their plain lengths. Returns the bytes fetched.
    std::uint64_t read(std::uint32_t first,
                       std::uint32_t count,
                       std::span<std::byte> out,
                       DecodeState& state) const;

    /// The stored bytes of `count` frames in one piece; valid until `state` is used again.
    ByteView fetch(std::uint32_t first, std::uint32_t count, DecodeState& state) const;

    /// Decodes one frame from its stored bytes.
    void decode(std::uint32_t number,
                ByteView sealed,
                std::span<std::byte> out,
                DecodeState& state) const;

    /// "packs/<xx>/<name>"
    const std::string& name() const { return name_; }

    /// The table of chunks: what the index must agree with.
    std::vector<PackChunk> read_chunk_table() const;

    /// Closes the file when nothing was read since the last call; the next read opens it again.
    void close_if_idle() const;

  private:
    using File = std::shared_ptr<backend::BlobReader>;

    struct OpenFile {
        File file;
        bool was_used = false;
    };

    std::uint64_t begin_of(std::uint32_t number) const;
    File file() const;

    backend::Backend& backend_;
    std::string name_;
    BlobOpener opener_;
    PackTrailer trailer_;
    std::vector<PackFrame> frames_;
    mutable Synchronized<OpenFile> open_;
};

}  // namespace backup::repository
