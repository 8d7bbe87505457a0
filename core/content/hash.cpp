// SPDX-License-Identifier: Apache-2.0
#include "core/content/hash.hpp"

#include "core/base/error.hpp"

#include <algorithm>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

namespace backup::content {

namespace {

struct FreeDigest {
    void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
};

struct FreeDigestContext {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

struct FreeMac {
    void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
};

struct FreeMacContext {
    void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};

void require(bool is_fine) {
    if (!is_fine) {
        throw Error(ErrorCode::Internal, "the cryptographic library refused to compute a hash");
    }
}

// Fetching looks an algorithm up by name, which costs more than hashing a small chunk.
const EVP_MD* sha256_algorithm() {
    static const std::unique_ptr<EVP_MD, FreeDigest> algorithm(
        EVP_MD_fetch(nullptr, "SHA256", nullptr));
    require(algorithm != nullptr);
    return algorithm.get();
}

EVP_MAC* hmac_algorithm() {
    static const std::unique_ptr<EVP_MAC, FreeMac> algorithm(
        EVP_MAC_fetch(nullptr, "HMAC", nullptr));
    require(algorithm != nullptr);
    return algorithm.get();
}

using MacContext = std::unique_ptr<EVP_MAC_CTX, FreeMacContext>;

MacContext make_hmac(ByteView key) {
    MacContext context(EVP_MAC_CTX_new(hmac_algorithm()));
    require(context != nullptr);
    std::array<char, 7> name{"SHA256"};
    const std::array parameters{
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.data(), 0),
        OSSL_PARAM_construct_end()};
    require(EVP_MAC_init(context.get(),
                         reinterpret_cast<const unsigned char*>(key.data()),
                         key.size(),
                         parameters.data()) == 1);
    return context;
}

void update(EVP_MAC_CTX* context, ByteView bytes) {
    require(EVP_MAC_update(
                context, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()) == 1);
}

Digest finish(EVP_MAC_CTX* context) {
    Digest digest{};
    std::size_t length = 0;
    require(EVP_MAC_final(
                context, reinterpret_cast<unsigned char*>(digest.data()), &length, digest.size()) ==
                1 &&
            length == digest.size());
    return digest;
}

}  // namespace

Digest parse_digest(std::string_view hex) {
    Digest digest{};
    if (hex.size() != 2 * digest.size()) {
        throw Error(ErrorCode::InvalidArgument, "a SHA-256 has 64 hexadecimal digits");
    }
    const auto bytes = from_hex(hex);
    std::copy(bytes.begin(), bytes.end(), digest.begin());
    return digest;
}

Digest sha256(ByteView bytes) {
    Sha256 hash;
    hash.update(bytes);
    return hash.finish();
}

struct Sha256::State {
    std::unique_ptr<EVP_MD_CTX, FreeDigestContext> context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
    state_->context.reset(EVP_MD_CTX_new());
    require(state_->context != nullptr &&
            EVP_DigestInit_ex2(state_->context.get(), sha256_algorithm(), nullptr) == 1);
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(ByteView bytes) {
    require(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
}

Digest Sha256::finish() {
    Digest digest{};
    require(EVP_DigestFinal_ex(state_->context.get(),
                               reinterpret_cast<unsigned char*>(digest.data()),
                               nullptr) == 1);
    return digest;
}

Digest hmac_sha256(ByteView key, ByteView bytes) {
    const auto context = make_hmac(key);
    update(context.get(), bytes);
    return finish(context.get());
}

struct ChunkHasher::State {
    void begin(ChunkKind kind) {
        // Without a key the context starts again from the state it computed for its own.
        require(EVP_MAC_init(context.get(), nullptr, 0, nullptr) == 1);
        const std::array kind_byte{static_cast<std::byte>(kind)};
        update(context.get(), kind_byte);
    }

    MacContext context;
};

ChunkHasher::ChunkHasher(const SecretKey& chunk_id_key)
    : state_(std::make_unique<State>(State{make_hmac(chunk_id_key)})) {}

ChunkHasher::~ChunkHasher() = default;
ChunkHasher::ChunkHasher(ChunkHasher&&) noexcept = default;
ChunkHasher& ChunkHasher::operator=(ChunkHasher&&) noexcept = default;

ChunkId ChunkHasher::operator()(ChunkKind kind, ByteView plain) {
    state_->begin(kind);
    update(state_->context.get(), plain);
    return {finish(state_->context.get())};
}

ChunkId ChunkHasher::operator()(ChunkKind kind, std::span<const OwnedBytes> plain) {
    state_->begin(kind);
    for (const auto& piece : plain) {
        update(state_->context.get(), piece.bytes);
    }
    return {finish(state_->context.get())};
}

}  // namespace backup::content
