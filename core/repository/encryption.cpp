// SPDX-License-Identifier: Apache-2.0
#include "core/repository/encryption.hpp"

#include "core/base/error.hpp"
#include "core/repository/format.hpp"

#include <climits>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

namespace backup::repository {

namespace {

struct FreeCipher {
    void operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
};

struct FreeCipherContext {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

struct FreeKdf {
    void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
};

struct FreeKdfContext {
    void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeCipherContext>;

void require(bool is_fine) {
    if (!is_fine) {
        ERR_clear_error();
        throw Error(ErrorCode::Internal, "the cryptographic library refused its work");
    }
}

const unsigned char* raw(ByteView bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

unsigned char* raw_room(std::span<std::byte> bytes) {
    return reinterpret_cast<unsigned char*>(bytes.data());
}

/// The library counts in int.
int length_of(ByteView bytes) {
    require(bytes.size() <= INT_MAX);
    return static_cast<int>(bytes.size());
}

const EVP_CIPHER* aes_256_gcm() {
    static const std::unique_ptr<EVP_CIPHER, FreeCipher> cipher(
        EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr));
    require(cipher != nullptr);
    return cipher.get();
}

EVP_KDF* hkdf() {
    static const std::unique_ptr<EVP_KDF, FreeKdf> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
    require(kdf != nullptr);
    return kdf.get();
}

CipherContext make_context() {
    CipherContext context(EVP_CIPHER_CTX_new());
    require(context != nullptr);
    return context;
}

OSSL_PARAM octets(const char* name, ByteView bytes) {
    return OSSL_PARAM_construct_octet_string(
        name, const_cast<std::byte*>(bytes.data()), bytes.size());
}

}  // namespace

void hkdf_sha256(ByteView key, ByteView salt, ByteView info, std::span<std::byte> out) {
    const std::unique_ptr<EVP_KDF_CTX, FreeKdfContext> context(EVP_KDF_CTX_new(hkdf()));
    require(context != nullptr);
    std::array<char, 7> digest{"SHA256"};
    const std::array parameters{
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
        octets(OSSL_KDF_PARAM_KEY, key),
        octets(OSSL_KDF_PARAM_SALT, salt),
        octets(OSSL_KDF_PARAM_INFO, info),
        OSSL_PARAM_construct_end()};
    require(EVP_KDF_derive(context.get(), raw_room(out), out.size(), parameters.data()) == 1);
}

SecretKey scrypt(std::string_view passphrase, ByteView salt, ScryptCost cost) {
    SecretKey key{};
    constexpr std::uint64_t slack = 64U << 20U;
    const auto is_done = EVP_PBE_scrypt(passphrase.data(),
                                        passphrase.size(),
                                        raw(salt),
                                        salt.size(),
                                        std::uint64_t{1} << cost.log2_n,
                                        cost.r,
                                        cost.p,
                                        format::kScryptMemoryLimit + slack,
                                        raw_room(key),
                                        key.size()) == 1;
    if (!is_done) {
        ERR_clear_error();
        throw Error(ErrorCode::Internal, "there is not enough memory to use the passphrase");
    }
    return key;
}

struct AeadSealer::State {
    CipherContext context;
};

AeadSealer::AeadSealer(const SecretKey& key)
    : state_(std::make_unique<State>(State{make_context()})) {
    require(EVP_EncryptInit_ex2(state_->context.get(), aes_256_gcm(), raw(key), nullptr, nullptr) ==
            1);
}

AeadSealer::~AeadSealer() = default;
AeadSealer::AeadSealer(AeadSealer&&) noexcept = default;
AeadSealer& AeadSealer::operator=(AeadSealer&&) noexcept = default;

void AeadSealer::seal(const Nonce& nonce,
                      std::array<ByteView, 2> associated,
                      ByteView plain,
                      std::span<std::byte> out) {
    require(out.size() == plain.size() + format::kTagBytes);
    auto* context = state_->context.get();
    require(EVP_EncryptInit_ex2(context, nullptr, nullptr, raw(nonce), nullptr) == 1);
    int length = 0;
    for (const auto part : associated) {
        require(EVP_EncryptUpdate(context, nullptr, &length, raw(part), length_of(part)) == 1);
    }
    require(EVP_EncryptUpdate(context, raw_room(out), &length, raw(plain), length_of(plain)) == 1);
    const auto tag = out.subspan(plain.size());
    require(EVP_EncryptFinal_ex(context, raw_room(tag), &length) == 1 && length == 0);
    require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, length_of(tag), tag.data()) == 1);
}

bool open_sealed(const SecretKey& key,
                 const Nonce& nonce,
                 std::array<ByteView, 2> associated,
                 ByteView sealed,
                 std::span<std::byte> out) {
    if (sealed.size() < format::kTagBytes || out.size() != sealed.size() - format::kTagBytes) {
        return false;
    }
    const auto cipher_text = sealed.first(out.size());
    std::array<std::byte, format::kTagBytes> tag{};
    std::copy_n(sealed.data() + out.size(), tag.size(), tag.data());

    const auto owner = make_context();
    auto* context = owner.get();
    require(EVP_DecryptInit_ex2(context, aes_256_gcm(), raw(key), raw(nonce), nullptr) == 1);
    int length = 0;
    for (const auto part : associated) {
        require(EVP_DecryptUpdate(context, nullptr, &length, raw(part), length_of(part)) == 1);
    }
    require(EVP_DecryptUpdate(
                context, raw_room(out), &length, raw(cipher_text), length_of(cipher_text)) == 1);
    require(EVP_CIPHER_CTX_ctrl(
                context, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag.size()), tag.data()) == 1);
    std::array<std::byte, format::kTagBytes> rest{};
    const bool is_authentic = EVP_DecryptFinal_ex(context, raw_room(rest), &length) == 1;
    ERR_clear_error();
    return is_authentic;
}

}  // namespace backup::repository
