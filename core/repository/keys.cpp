// SPDX-License-Identifier: Apache-2.0
#include "core/repository/keys.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/repository/format.hpp"

#include <algorithm>

namespace backup::repository {

namespace {

constexpr std::string_view kKeyFileMark = "kubectl-backup-key-1";
constexpr std::string_view kRepositoryWord = "repository ";
constexpr std::string_view kSecretWord = "secret ";
constexpr std::byte kSlotKind{'K'};

// Positions in a slot.
constexpr std::size_t kKindAt = 4;
constexpr std::size_t kMethodAt = 5;
constexpr std::size_t kVersionAt = 6;
constexpr std::size_t kRepositoryAt = 16;
constexpr std::size_t kSaltAt = 32;
constexpr std::size_t kCostAt = 64;
constexpr std::size_t kNonceAt = 68;
constexpr std::size_t kSealedAt = 80;
constexpr std::size_t kSaltBytes = 32;

constexpr ScryptCost kLeastCost{15, 8, 1};

template <std::size_t Size>
std::array<std::byte, Size> take(ByteView bytes, std::size_t at) {
    std::array<std::byte, Size> out{};
    std::copy_n(bytes.data() + at, Size, out.data());
    return out;
}

SecretKey derive(const SecretKey& master,
                 const RepositoryId& repository,
                 std::string_view purpose) {
    SecretKey key{};
    hkdf_sha256(master, repository, as_bytes(concat("kubectl-backup/1/", purpose)), key);
    return key;
}

bool is_allowed(ScryptCost cost) {
    return cost.log2_n >= kLeastCost.log2_n && cost.log2_n < 32 && cost.r >= kLeastCost.r &&
           cost.r <= 255 && cost.p >= kLeastCost.p && cost.p <= format::kScryptLargestP &&
           (std::uint64_t{128} * cost.r << cost.log2_n) <= format::kScryptMemoryLimit;
}

SecretKey wrapping_key(const KeyFile& key, ByteView salt) {
    SecretKey wrapping{};
    hkdf_sha256(key.secret, salt, as_bytes("kubectl-backup/1/key-file"), wrapping);
    return wrapping;
}

/// The clear half of a slot, with fresh salt and nonce.
Bytes begin_slot(SlotMethod method, const RepositoryId& repository, Random& random) {
    Bytes slot(format::kSlotBytes);
    std::copy(format::kMagic.begin(), format::kMagic.end(), slot.begin());
    slot[kKindAt] = kSlotKind;
    slot[kMethodAt] = static_cast<std::byte>(method);
    store_le(slot.data() + kVersionAt, format::kVersion);
    std::copy(repository.begin(), repository.end(), slot.data() + kRepositoryAt);
    random.fill(std::span(slot).subspan(kSaltAt, kSaltBytes));
    random.fill(std::span(slot).subspan(kNonceAt, sizeof(Nonce)));
    return slot;
}

ByteView salt_of(ByteView slot) {
    return slot.subspan(kSaltAt, kSaltBytes);
}

void seal_slot(Bytes& slot, const SecretKey& wrapping, const SecretKey& master) {
    AeadSealer(wrapping).seal(take<sizeof(Nonce)>(slot, kNonceAt),
                              {ByteView(slot).first(kSealedAt), ByteView()},
                              master,
                              std::span(slot).subspan(kSealedAt));
}

std::optional<SecretKey> open_slot(ByteView slot, const SecretKey& wrapping) {
    SecretKey master{};
    if (!open_sealed(wrapping,
                     take<sizeof(Nonce)>(slot, kNonceAt),
                     {slot.first(kSealedAt), ByteView()},
                     slot.subspan(kSealedAt),
                     master)) {
        return std::nullopt;
    }
    return master;
}

[[noreturn]] void refuse_key_file() {
    throw Error(ErrorCode::WrongKey, "this is not a key file of kubectl-backup");
}

template <typename Array>
Array parse_hex_line(std::string_view line, std::string_view word) {
    Array out{};
    if (!line.starts_with(word)) {
        refuse_key_file();
    }
    const auto digits = trim(line.substr(word.size()));
    if (digits.size() != 2 * out.size() ||
        digits.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) {
        refuse_key_file();
    }
    const auto bytes = from_hex(digits);
    std::copy(bytes.begin(), bytes.end(), out.begin());
    return out;
}

}  // namespace

KeyRing derive_keys(const SecretKey& master, const RepositoryId& repository) {
    KeyRing keys;
    keys.chunk_id = derive(master, repository, "chunk-id");
    keys.chunker = derive(master, repository, "chunker");
    keys.config = derive(master, repository, "config");
    keys.data = derive(master, repository, "data");
    keys.metadata = derive(master, repository, "metadata");
    keys.index = derive(master, repository, "index");
    keys.point = derive(master, repository, "point");
    keys.session = derive(master, repository, "session");
    keys.collection = derive(master, repository, "collection");
    keys.hold = derive(master, repository, "hold");
    keys.checks = derive(master, repository, "checks");
    return keys;
}

std::string format_key_file(const KeyFile& key) {
    return concat(kKeyFileMark,
                  "\n",
                  kRepositoryWord,
                  to_hex(key.repository),
                  "\n",
                  kSecretWord,
                  to_hex(key.secret),
                  "\n");
}

KeyFile parse_key_file(std::string_view text) {
    const auto lines = split(trim(text), '\n');
    if (lines.size() != 3 || trim(lines[0]) != kKeyFileMark) {
        refuse_key_file();
    }
    return {parse_hex_line<RepositoryId>(lines[1], kRepositoryWord),
            parse_hex_line<SecretKey>(lines[2], kSecretWord)};
}

Bytes wrap_with_key_file(const SecretKey& master, const KeyFile& key, Random& random) {
    auto slot = begin_slot(SlotMethod::KeyFile, key.repository, random);
    seal_slot(slot, wrapping_key(key, salt_of(slot)), master);
    return slot;
}

Bytes wrap_with_passphrase(const SecretKey& master,
                           const RepositoryId& repository,
                           std::string_view passphrase,
                           ScryptCost cost,
                           Random& random) {
    if (!is_allowed(cost)) {
        throw Error(ErrorCode::InvalidArgument, "the cost of the passphrase is out of its limits");
    }
    auto slot = begin_slot(SlotMethod::Passphrase, repository, random);
    slot[kCostAt] = static_cast<std::byte>(cost.log2_n);
    slot[kCostAt + 1] = static_cast<std::byte>(cost.r);
    slot[kCostAt + 2] = static_cast<std::byte>(cost.p);
    seal_slot(slot, scrypt(passphrase, salt_of(slot), cost), master);
    return slot;
}

SlotMethod slot_method(ByteView slot) {
    if (slot.size() != format::kSlotBytes ||
        !std::equal(format::kMagic.begin(), format::kMagic.end(), slot.begin()) ||
        slot[kKindAt] != kSlotKind) {
        throw Error(ErrorCode::CorruptData, "not a key slot");
    }
    const auto version = load_le<std::uint16_t>(slot.data() + kVersionAt);
    if (version != format::kVersion) {
        throw Error(ErrorCode::UnknownFormat, concat("key slot of format version ", version));
    }
    const auto method = static_cast<SlotMethod>(slot[kMethodAt]);
    if (method != SlotMethod::KeyFile && method != SlotMethod::Passphrase) {
        throw Error(ErrorCode::UnknownFormat,
                    concat("key slot of unknown method ", static_cast<unsigned>(method)));
    }
    return method;
}

RepositoryId slot_repository(ByteView slot) {
    slot_method(slot);
    return take<sizeof(RepositoryId)>(slot, kRepositoryAt);
}

std::optional<SecretKey> find_master_key(ByteView slot, const KeyFile& key) {
    if (slot_method(slot) != SlotMethod::KeyFile) {
        return std::nullopt;
    }
    return open_slot(slot, wrapping_key(key, salt_of(slot)));
}

std::optional<SecretKey> find_master_key(ByteView slot, std::string_view passphrase) {
    if (slot_method(slot) != SlotMethod::Passphrase) {
        return std::nullopt;
    }
    const ScryptCost cost{std::to_integer<unsigned>(slot[kCostAt]),
                          std::to_integer<unsigned>(slot[kCostAt + 1]),
                          std::to_integer<unsigned>(slot[kCostAt + 2])};
    if (!is_allowed(cost)) {
        throw Error(ErrorCode::CorruptData, "the key slot asks for more work than is allowed");
    }
    return open_slot(slot, scrypt(passphrase, salt_of(slot), cost));
}

SecretKey unwrap_with_key_file(ByteView slot, const KeyFile& key) {
    if (const auto master = find_master_key(slot, key)) {
        return *master;
    }
    throw Error(ErrorCode::WrongKey, "the key file does not open this repository");
}

SecretKey unwrap_with_passphrase(ByteView slot, std::string_view passphrase) {
    if (const auto master = find_master_key(slot, passphrase)) {
        return *master;
    }
    throw Error(ErrorCode::WrongKey, "the passphrase does not open this repository");
}

}  // namespace backup::repository
