// SPDX-License-Identifier: Apache-2.0
// The door to OpenSSL's ciphers and key derivation. Knows keys and bytes, not what is in them.
#pragma once

#include "core/base/bytes.hpp"
#include "core/content/hash.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

namespace backup::repository {

using content::SecretKey;
using Nonce = std::array<std::byte, 12>;

/// HKDF-SHA-256 (RFC 5869), extract and expand.
void hkdf_sha256(ByteView key, ByteView salt, ByteView info, std::span<std::byte> out);

struct ScryptCost {
    unsigned log2_n = 16;
    unsigned r = 8;
    unsigned p = 1;
};

/// scrypt (RFC 7914). The caller has checked the cost; throws Internal when the memory is not
/// there.
SecretKey scrypt(std::string_view passphrase, ByteView salt, ScryptCost cost);

/// Seals with one AES-256-GCM key; keeps the expanded key. Not thread-safe.
class AeadSealer {
  public:
    explicit AeadSealer(const SecretKey& key);
    ~AeadSealer();
    AeadSealer(AeadSealer&&) noexcept;
    AeadSealer& operator=(AeadSealer&&) noexcept;

    /// `out` gets the ciphertext, then the 16-byte tag: plain.size() + 16 bytes. The associated
    /// data are the two parts one behind the other.
    void seal(const Nonce& nonce,
              std::array<ByteView, 2> associated,
              ByteView plain,
              std::span<std::byte> out);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// False when the bytes, the nonce, the associated data or the key are not those of the sealing;
/// `out` (sealed.size() - 16 bytes) is not to be used then. Any thread.
bool open_sealed(const SecretKey& key,
                 const Nonce& nonce,
                 std::array<ByteView, 2> associated,
                 ByteView sealed,
                 std::span<std::byte> out);

}  // namespace backup::repository
