// SPDX-License-Identifier: Apache-2.0
// zstd frames. The door to zstd. Objects hold reusable state: one per thread.
#pragma once

#include "core/base/bytes.hpp"

#include <memory>
#include <optional>

namespace backup::content {

class Compressor {
  public:
    /// Level 1 is the default of the repository; see docs/performance.md before changing it.
    explicit Compressor(int level = 1);
    ~Compressor();
    Compressor(Compressor&&) noexcept;
    Compressor& operator=(Compressor&&) noexcept;

    /// The zstd frame, or empty when that would save less than 1/20: then the bytes stay raw.
    /// Dense content is recognised by a sample and costs little.
    std::optional<Bytes> compress(ByteView plain);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

class Decompressor {
  public:
    Decompressor();
    ~Decompressor();
    Decompressor(Decompressor&&) noexcept;
    Decompressor& operator=(Decompressor&&) noexcept;

    /// Fills `out`, whose size is the plain length; throws CorruptData when the frame is damaged or
    /// of another length. Never allocates more than `out`.
    void decompress(ByteView stored, std::span<std::byte> out);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// One zstd frame of any size (point records, mover images): level 9. Limit for reading in bytes.
Bytes compress_whole(ByteView plain);
Bytes decompress_whole(ByteView stored, std::uint64_t limit_bytes);

}  // namespace backup::content
