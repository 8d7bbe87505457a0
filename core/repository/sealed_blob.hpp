// SPDX-License-Identifier: Apache-2.0
// The header every blob begins with and the sections sealed under its key: docs/format.md
// section 2.
#pragma once

#include "core/base/random.hpp"
#include "core/repository/encryption.hpp"
#include "core/repository/format.hpp"
#include "core/repository/keys.hpp"

#include <array>
#include <string>

namespace backup::repository {

enum class BlobKind : std::uint8_t {
    Config = 'C',
    DataPack = 'D',
    MetadataPack = 'M',
    Index = 'I',
    Point = 'P',
    Session = 'S',
    Collection = 'G',
    Hold = 'H',
    Checks = 'V',
};

using Salt = std::array<std::byte, format::kSaltBytes>;
using Header = std::array<std::byte, format::kHeaderBytes>;

/// What the clear header tells before any key is used.
struct HeaderFields {
    BlobKind kind{};
    RepositoryId repository{};
    Salt salt{};
    std::array<std::byte, format::kCommitmentBytes> commitment{};
};

/// Throws CorruptData when `blob` does not begin with a header, UnknownFormat naming the version,
/// suite or feature it does not know; `what` names the blob.
HeaderFields decode_header(ByteView blob, std::string_view what);

/// A new blob's key and header. Not thread-safe.
class BlobSealer {
  public:
    BlobSealer(const RepositoryId& repository, const KeyRing& keys, BlobKind kind, Random& random);

    const Header& header() const { return header_; }

    const Salt& salt() const { return salt_; }

    /// Each section number once. `out` is 16 bytes longer than `plain`.
    void seal(std::uint64_t section,
              ByteView associated,
              ByteView plain,
              std::span<std::byte> out) {
        aead_.seal(nonce_of(section), {header_, associated}, plain, out);
    }

    /// Appends the sealed section to `blob`.
    void append_section(Bytes& blob, std::uint64_t section, ByteView associated, ByteView plain);

    static Nonce nonce_of(std::uint64_t section);

  private:
    BlobSealer(const RepositoryId& repository,
               const KeyRing& keys,
               BlobKind kind,
               const Salt& salt);

    Salt salt_{};
    Header header_{};
    AeadSealer aead_;
};

/// An existing blob's key, proved by the commitment. Immutable: any thread.
class BlobOpener {
  public:
    /// `header`: at least the first 96 bytes of the blob. `what` names it in errors. Throws
    /// CorruptData or UnknownFormat.
    BlobOpener(const RepositoryId& repository,
               const KeyRing& keys,
               BlobKind kind,
               ByteView header,
               std::string what);

    const Salt& salt() const { return salt_; }

    const std::string& what() const { return what_; }

    /// `out` is 16 bytes shorter than `sealed`. Throws CorruptData naming the blob.
    void open(std::uint64_t section,
              ByteView associated,
              ByteView sealed,
              std::span<std::byte> out) const;
    Bytes open(std::uint64_t section, ByteView associated, ByteView sealed) const;

  private:
    std::string what_;
    Header header_{};
    Salt salt_{};
    SecretKey key_{};
};

}  // namespace backup::repository
