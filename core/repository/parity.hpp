// SPDX-License-Identifier: Apache-2.0
// Parity of one pack: makes it while the pack streams by, and mends the pack with it later. Knows
// bytes only, no keys: what is mended is proved by the name of the pack (docs/format.md section 9).
#pragma once

#include "core/base/bytes.hpp"
#include "core/content/hash.hpp"

#include <optional>
#include <string>
#include <vector>

namespace backup::repository {

inline constexpr std::size_t kParityBlockBytes = 4096;
/// One damaged run touches each stripe at most once, as long as it lies within so many blocks: 1
/// MiB that begins anywhere touches 257.
inline constexpr std::size_t kParityStripes = 272;

/// Takes a pack piece by piece. Memory: the parity itself, about 1.1 MiB, and 4 bytes a block.
class ParityMaker {
  public:
    void update(ByteView bytes);
    /// The blob parity/<pack>; nothing can be added any more.
    Bytes finish(const content::Digest& pack);

  private:
    void end_block();

    Bytes parity_;
    std::vector<std::uint32_t> sums_;
    std::uint64_t size_ = 0;
    std::uint32_t sum_ = 0;  // of the block that is being filled
};

/// A parity blob that was read. Holds copies.
class Parity {
  public:
    /// Works with one that is damaged in part, as long as one of its two headers is whole. Throws
    /// CorruptData or UnknownFormat; `what` names the blob.
    Parity(ByteView blob, const content::Digest& pack, const std::string& what);

    std::uint64_t pack_bytes() const { return pack_bytes_; }

    /// Whether nothing of it is damaged.
    bool is_whole() const { return is_whole_; }

    /// The pack as it was, from what is left of it (empty: nothing is). Nothing when there is more
    /// damage than parity can mend. What is returned has the hash that is the pack's name.
    std::optional<Bytes> heal(ByteView damaged) const;

  private:
    std::size_t block_count() const { return sums_.size(); }

    std::size_t stripe_count() const { return stripe_sums_.size(); }

    std::size_t block_bytes(std::size_t block) const;
    bool is_stripe_whole(std::size_t stripe) const;
    std::vector<std::size_t> copy_sound_blocks(ByteView damaged, Bytes& out) const;
    bool rebuild(std::size_t block, Bytes& out) const;

    content::Digest pack_{};
    std::uint64_t pack_bytes_ = 0;
    Bytes parity_;
    std::vector<std::uint32_t> sums_;
    std::vector<std::uint32_t> stripe_sums_;
    bool is_whole_ = true;
};

/// How many bytes the parity of a pack of `pack_bytes` takes.
std::uint64_t parity_bytes(std::uint64_t pack_bytes);

}  // namespace backup::repository
