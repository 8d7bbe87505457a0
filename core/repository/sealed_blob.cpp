// SPDX-License-Identifier: Apache-2.0
#include "core/repository/sealed_blob.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <utility>

namespace backup::repository {

namespace {

// Positions in the header.
constexpr std::size_t kKindAt = 4;
constexpr std::size_t kSuiteAt = 5;
constexpr std::size_t kVersionAt = 6;
constexpr std::size_t kFeaturesAt = 8;
constexpr std::size_t kRepositoryAt = 16;
constexpr std::size_t kSaltAt = 32;
constexpr std::size_t kCommitmentAt = 64;

struct BlobKey {
    SecretKey aead{};
    std::array<std::byte, format::kCommitmentBytes> commitment{};
};

const SecretKey& key_of(const KeyRing& keys, BlobKind kind) {
    switch (kind) {
        case BlobKind::Config:
            return keys.config;
        case BlobKind::DataPack:
            return keys.data;
        case BlobKind::MetadataPack:
            return keys.metadata;
        case BlobKind::Index:
            return keys.index;
        case BlobKind::Point:
            return keys.point;
        case BlobKind::Session:
            return keys.session;
        case BlobKind::Collection:
            return keys.collection;
        case BlobKind::Hold:
            return keys.hold;
        case BlobKind::Checks:
            return keys.checks;
    }
    throw Error(ErrorCode::Internal, "a blob kind without a key");
}

BlobKey derive_blob_key(const RepositoryId& repository,
                        const KeyRing& keys,
                        BlobKind kind,
                        const Salt& salt) {
    Bytes info = to_bytes(as_bytes("kubectl-backup/1/blob/"));
    info.push_back(static_cast<std::byte>(kind));
    append(info, repository);
    BlobKey key;
    std::array<std::byte, sizeof(key.aead) + sizeof(key.commitment)> derived{};
    hkdf_sha256(key_of(keys, kind), salt, info, derived);
    std::copy_n(derived.begin(), key.aead.size(), key.aead.begin());
    std::copy_n(derived.begin() + key.aead.size(), key.commitment.size(), key.commitment.begin());
    return key;
}

Salt make_salt(Random& random) {
    Salt salt{};
    random.fill(salt);
    return salt;
}

bool is_known(BlobKind kind) {
    constexpr std::string_view known = "CDMIPSGHV";
    return known.find(static_cast<char>(kind)) != std::string_view::npos;
}

void check_versions(ByteView header, std::string_view what) {
    const auto version = load_le<std::uint16_t>(header.data() + kVersionAt);
    if (version != format::kVersion) {
        throw Error(ErrorCode::UnknownFormat, concat(what, " has format version ", version));
    }
    const auto suite = std::to_integer<unsigned>(header[kSuiteAt]);
    if (suite != format::kSuite) {
        throw Error(ErrorCode::UnknownFormat, concat(what, " uses cipher suite ", suite));
    }
    const auto unknown =
        load_le<std::uint32_t>(header.data() + kFeaturesAt) & ~format::kKnownFeatures;
    for (unsigned bit = 0; bit < 32; ++bit) {
        if ((unknown >> bit & 1U) != 0) {
            throw Error(ErrorCode::UnknownFormat, concat(what, " needs feature ", bit));
        }
    }
}

}  // namespace

HeaderFields decode_header(ByteView blob, std::string_view what) {
    if (blob.size() < format::kHeaderBytes ||
        !std::equal(format::kMagic.begin(), format::kMagic.end(), blob.begin())) {
        throw Error(ErrorCode::CorruptData, concat(what, " does not begin as a repository's blob"));
    }
    check_versions(blob, what);
    HeaderFields fields;
    fields.kind = static_cast<BlobKind>(blob[kKindAt]);
    if (!is_known(fields.kind)) {
        throw Error(ErrorCode::CorruptData, concat(what, " is of an unknown kind"));
    }
    const auto copy_to = [&blob](std::size_t at, auto& out) {
        std::copy_n(blob.data() + at, out.size(), out.data());
    };
    copy_to(kRepositoryAt, fields.repository);
    copy_to(kSaltAt, fields.salt);
    copy_to(kCommitmentAt, fields.commitment);
    return fields;
}

BlobSealer::BlobSealer(const RepositoryId& repository,
                       const KeyRing& keys,
                       BlobKind kind,
                       Random& random)
    : BlobSealer(repository, keys, kind, make_salt(random)) {}

BlobSealer::BlobSealer(const RepositoryId& repository,
                       const KeyRing& keys,
                       BlobKind kind,
                       const Salt& salt)
    : salt_(salt),
      aead_(SecretKey{}) {
    const auto key = derive_blob_key(repository, keys, kind, salt);
    aead_ = AeadSealer(key.aead);
    std::copy(format::kMagic.begin(), format::kMagic.end(), header_.begin());
    header_[kKindAt] = static_cast<std::byte>(kind);
    header_[kSuiteAt] = std::byte{format::kSuite};
    store_le(header_.data() + kVersionAt, format::kVersion);
    const auto put = [this](std::size_t at, const auto& bytes) {
        std::copy(bytes.begin(), bytes.end(), header_.data() + at);
    };
    put(kRepositoryAt, repository);
    put(kSaltAt, salt);
    put(kCommitmentAt, key.commitment);
}

void BlobSealer::append_section(Bytes& blob,
                                std::uint64_t section,
                                ByteView associated,
                                ByteView plain) {
    const auto at = blob.size();
    blob.resize(at + plain.size() + format::kTagBytes);
    seal(section, associated, plain, std::span(blob).subspan(at));
}

Nonce BlobSealer::nonce_of(std::uint64_t section) {
    Nonce nonce{};
    store_le(nonce.data(), section);
    return nonce;
}

BlobOpener::BlobOpener(const RepositoryId& repository,
                       const KeyRing& keys,
                       BlobKind kind,
                       ByteView header,
                       std::string what)
    : what_(std::move(what)) {
    const auto fields = decode_header(header, what_);
    if (fields.kind != kind) {
        throw Error(ErrorCode::CorruptData, concat(what_, " is a blob of another kind"));
    }
    if (fields.repository != repository) {
        throw Error(
            ErrorCode::CorruptData,
            concat(what_, " belongs to another repository (", to_hex(fields.repository), ")"));
    }
    const auto key = derive_blob_key(repository, keys, kind, fields.salt);
    if (key.commitment != fields.commitment) {
        throw Error(ErrorCode::CorruptData, concat(what_, " has a damaged header"));
    }
    std::copy_n(header.data(), header_.size(), header_.data());
    salt_ = fields.salt;
    key_ = key.aead;
}

void BlobOpener::open(std::uint64_t section,
                      ByteView associated,
                      ByteView sealed,
                      std::span<std::byte> out) const {
    if (!open_sealed(key_, BlobSealer::nonce_of(section), {header_, associated}, sealed, out)) {
        throw Error(ErrorCode::CorruptData, concat(what_, " is damaged (section ", section, ")"));
    }
}

Bytes BlobOpener::open(std::uint64_t section, ByteView associated, ByteView sealed) const {
    if (sealed.size() < format::kTagBytes) {
        throw Error(ErrorCode::CorruptData, concat(what_, " ends early"));
    }
    Bytes plain(sealed.size() - format::kTagBytes);
    open(section, associated, sealed, plain);
    return plain;
}

}  // namespace backup::repository
