// SPDX-License-Identifier: Apache-2.0
// SHA-256 of stored bytes and the keyed hash that names chunks. The door to OpenSSL's digests.
#pragma once

#include "core/base/byte_chain.hpp"
#include "core/content/chunk_id.hpp"

#include <array>
#include <memory>
#include <span>
#include <string_view>

namespace backup::content {

using Digest = std::array<std::byte, 32>;
using SecretKey = std::array<std::byte, 32>;

Digest sha256(ByteView bytes);

/// 64 hexadecimal digits; throws InvalidArgument on anything else.
Digest parse_digest(std::string_view hex);

/// SHA-256 of bytes that arrive in pieces. Not thread-safe.
class Sha256 {
  public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;
    void update(ByteView bytes);
    /// Ends the computation; the object must not be used afterwards.
    Digest finish();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

Digest hmac_sha256(ByteView key, ByteView bytes);

/// Names chunks: HMAC-SHA-256(key, kind then bytes). Holds reusable state: one object per thread.
class ChunkHasher {
  public:
    explicit ChunkHasher(const SecretKey& chunk_id_key);
    ~ChunkHasher();
    ChunkHasher(ChunkHasher&&) noexcept;
    ChunkHasher& operator=(ChunkHasher&&) noexcept;
    ChunkId operator()(ChunkKind kind, ByteView plain);
    /// Of the pieces, one behind the other.
    ChunkId operator()(ChunkKind kind, std::span<const OwnedBytes> plain);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace backup::content
