// SPDX-License-Identifier: Apache-2.0
// Chunks laid into compressed frames: what a mover sends and a pack takes in one piece. Small
// chunks share a frame, a long chunk begins its own (docs/format.md section 5).
#pragma once

#include "core/base/bytes.hpp"
#include "core/content/chunk_id.hpp"
#include "core/content/compression.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace backup::content {

/// Plain bytes; docs/format.md section 5.
inline constexpr std::uint32_t kLargestFrameBytes = 1U << 20U;

struct Frame {
    std::uint32_t plain_bytes = 0;
    bool is_compressed = false;
    Bytes stored;  // not yet sealed
};

struct PlacedChunk {
    ChunkId id;
    ChunkKind kind = ChunkKind::Data;
    std::uint32_t first_frame = 0;  // counted from the beginning of the group
    std::uint32_t offset = 0;       // in that frame's plain bytes
    std::uint32_t length = 0;
};

struct FrameGroup {
    std::vector<Frame> frames;
    std::vector<PlacedChunk> chunks;

    std::uint64_t plain_bytes() const;
    std::uint64_t stored_bytes() const;
};

/// Throws CorruptData unless every chunk lies within the frames and all lengths are within the
/// format's limits: a group from a mover is checked before it is stored.
void check_group(const FrameGroup& group, std::uint32_t frame_limit_bytes);

/// Compresses plain bytes where that saves something. Holds reusable state: one per thread.
using FrameEncoder = std::function<Frame(ByteView plain)>;
FrameEncoder make_frame_encoder(int compression_level);

/// Collects chunks into groups. Not thread-safe: one per worker.
class FrameGroupBuilder {
  public:
    /// `verify`: every frame is decoded and compared before it leaves (a compressor's or the
    /// memory's mistake must not become a backup).
    FrameGroupBuilder(std::uint32_t frame_bytes, int compression_level, bool verify);
    /// With an encoder that a test makes err.
    FrameGroupBuilder(std::uint32_t frame_bytes, FrameEncoder encoder, bool verify);

    void add(const ChunkId& id, ChunkKind kind, ByteView plain);

    std::uint64_t plain_bytes() const { return plain_bytes_; }

    bool empty() const { return group_.chunks.empty(); }

    /// Ends the open frame and hands the group over; the builder starts anew.
    FrameGroup take();

  private:
    void close_frame();
    void add_frame(ByteView plain);
    void check_frame_decodes(const Frame& frame, ByteView plain);

    std::uint32_t frame_bytes_;
    bool verify_;
    FrameEncoder encode_;
    Decompressor decompressor_;
    FrameGroup group_;
    Bytes open_frame_;
    Bytes scratch_;
    std::uint64_t plain_bytes_ = 0;
};

}  // namespace backup::content
