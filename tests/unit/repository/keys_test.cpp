// SPDX-License-Identifier: Apache-2.0
#include "core/repository/keys.hpp"

#include "core/repository/encryption.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/seeded_random.hpp"

#include <set>

using namespace backup;
using namespace backup::repository;
using namespace backup::testing;

namespace {

constexpr ScryptCost kCheapest{15, 8, 1};

SecretKey random_key(Random& random) {
    SecretKey key{};
    random.fill(key);
    return key;
}

KeyFile random_key_file(Random& random) {
    KeyFile key;
    random.fill(key.repository);
    random.fill(key.secret);
    return key;
}

}  // namespace

TEST_CASE("HKDF, scrypt and AES-GCM give the published answers") {
    // RFC 5869 appendix A.1.
    Bytes out(42);
    hkdf_sha256(Bytes(22, std::byte{0x0b}),
                from_hex("000102030405060708090a0b0c"),
                from_hex("f0f1f2f3f4f5f6f7f8f9"),
                out);
    CHECK(to_hex(out) ==
          "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    // RFC 7914 section 12, the first 32 of its 64 bytes.
    CHECK(to_hex(scrypt("pleaseletmein", as_bytes("SodiumChloride"), {14, 8, 1})) ==
          "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2");
    // The Galois/Counter Mode of Operation (McGrew, Viega), test case 16.
    SecretKey key{};
    const auto key_bytes =
        from_hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
    std::copy(key_bytes.begin(), key_bytes.end(), key.begin());
    Nonce nonce{};
    const auto nonce_bytes = from_hex("cafebabefacedbaddecaf888");
    std::copy(nonce_bytes.begin(), nonce_bytes.end(), nonce.begin());
    const auto plain = from_hex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449"
        "a6b525b16aedf5aa0de657ba637b39");
    const auto associated = from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    Bytes sealed(plain.size() + 16);
    AeadSealer(key).seal(
        nonce, {ByteView(associated).first(7), ByteView(associated).subspan(7)}, plain, sealed);
    CHECK(to_hex(sealed) ==
          "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b10"
          "56828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b");
    Bytes opened(plain.size());
    CHECK(open_sealed(key, nonce, {associated, ByteView()}, sealed, opened));
    CHECK(opened == plain);
    sealed.back() ^= std::byte{1};
    CHECK_FALSE(open_sealed(key, nonce, {associated, ByteView()}, sealed, opened));
}

TEST_CASE("derived keys all differ, and differ for another repository") {
    SeededRandom random;
    const auto master = random_key(random);
    std::set<SecretKey> seen;
    for (const auto& id : {RepositoryId{}, RepositoryId{std::byte{1}}}) {
        const auto keys = derive_keys(master, id);
        for (const auto& key : {keys.chunk_id,
                                keys.chunker,
                                keys.config,
                                keys.data,
                                keys.metadata,
                                keys.index,
                                keys.point}) {
            CHECK(seen.insert(key).second);
        }
    }
}

TEST_CASE("a key file is three lines of text") {
    SeededRandom random;
    const auto key = random_key_file(random);
    const auto text = format_key_file(key);
    CHECK_THAT(text, starts_with("kubectl-backup-key-1\nrepository "));
    CHECK(parse_key_file(text).repository == key.repository);
    CHECK(parse_key_file(text).secret == key.secret);
    CHECK(parse_key_file("  " + text + "\n\n").secret == key.secret);
    auto windows = text;
    for (std::size_t at = 0; (at = windows.find('\n', at)) != std::string::npos; at += 2) {
        windows.insert(at, "\r");
    }
    CHECK(parse_key_file(windows).secret == key.secret);
    for (const auto& wrong : {std::string(),
                              std::string("kubectl-backup-key-2") + text.substr(20),
                              text.substr(0, text.size() - 3),
                              text + "more\n",
                              std::string("apiVersion: v1")}) {
        CHECK(error_code_of([&] { return parse_key_file(wrong); }) == ErrorCode::WrongKey);
    }
}

TEST_CASE("a slot opens with its own secret only") {
    SeededRandom random;
    const auto master = random_key(random);
    const auto key = random_key_file(random);
    const auto slot = wrap_with_key_file(master, key, random);
    CHECK(slot.size() == 128);
    CHECK(slot_method(slot) == SlotMethod::KeyFile);
    CHECK(slot_repository(slot) == key.repository);
    CHECK(unwrap_with_key_file(slot, key) == master);
    auto other = key;
    other.secret[0] ^= std::byte{1};
    CHECK(error_code_of([&] { return unwrap_with_key_file(slot, other); }) == ErrorCode::WrongKey);
    CHECK_FALSE(find_master_key(slot, std::string_view("passphrase")));

    const auto locked =
        wrap_with_passphrase(master, key.repository, "correct horse", kCheapest, random);
    CHECK(slot_method(locked) == SlotMethod::Passphrase);
    CHECK(unwrap_with_passphrase(locked, "correct horse") == master);
    CHECK(error_code_of([&] { return unwrap_with_passphrase(locked, "correct hors"); }) ==
          ErrorCode::WrongKey);
    CHECK_FALSE(find_master_key(locked, key));
}

TEST_CASE("any changed byte of a slot is noticed") {
    SeededRandom random;
    const auto master = random_key(random);
    const auto key = random_key_file(random);
    const auto slot = wrap_with_key_file(master, key, random);
    for (std::size_t i = 0; i < slot.size(); ++i) {
        auto damaged = slot;
        damaged[i] ^= std::byte{0x10};
        CHECK_NOTHROW([&] {
            const auto code = error_code_of([&] { return unwrap_with_key_file(damaged, key); });
            CHECK((code == ErrorCode::WrongKey || code == ErrorCode::CorruptData ||
                   code == ErrorCode::UnknownFormat));
        }());
    }
    CHECK(error_code_of([&] { return slot_method(ByteView(slot).first(127)); }) ==
          ErrorCode::CorruptData);
}

TEST_CASE("a slot cannot make the reader work without end") {
    SeededRandom random;
    const auto slot = wrap_with_passphrase(random_key(random), {}, "passphrase", kCheapest, random);
    const auto code_with = [&slot](unsigned log2_n, unsigned r, unsigned p) {
        auto hostile = slot;
        hostile[64] = static_cast<std::byte>(log2_n);
        hostile[65] = static_cast<std::byte>(r);
        hostile[66] = static_cast<std::byte>(p);
        return error_code_of([&] { return unwrap_with_passphrase(hostile, "passphrase"); });
    };
    CHECK(code_with(21, 8, 1) == ErrorCode::CorruptData);
    CHECK(code_with(255, 8, 1) == ErrorCode::CorruptData);
    CHECK(code_with(15, 255, 1) == ErrorCode::WrongKey);
    CHECK(code_with(16, 255, 1) == ErrorCode::CorruptData);
    CHECK(code_with(15, 8, 17) == ErrorCode::CorruptData);
    CHECK(code_with(14, 8, 1) == ErrorCode::CorruptData);
    CHECK(code_with(0, 0, 0) == ErrorCode::CorruptData);
    CHECK(error_code_of([&] {
              return wrap_with_passphrase({}, {}, "x", {14, 8, 1}, random);
          }) == ErrorCode::InvalidArgument);
}
