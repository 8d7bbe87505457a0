// SPDX-License-Identifier: Apache-2.0
// The master key, what is derived from it, and the slots that wrap it: docs/format.md section 3.
#pragma once

#include "core/base/bytes.hpp"
#include "core/base/random.hpp"
#include "core/content/hash.hpp"
#include "core/repository/encryption.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace backup::repository {

using RepositoryId = std::array<std::byte, 16>;

struct KeyRing {
    SecretKey chunk_id{};  // a mover needs this one
    SecretKey chunker{};   // and this one
    SecretKey config{};
    SecretKey data{};
    SecretKey metadata{};
    SecretKey index{};
    SecretKey point{};
    SecretKey session{};
    SecretKey collection{};
    SecretKey hold{};
    SecretKey checks{};
};

KeyRing derive_keys(const SecretKey& master, const RepositoryId& repository);

/// The key file's content: random secret for one repository.
struct KeyFile {
    RepositoryId repository{};
    SecretKey secret{};
};

std::string format_key_file(const KeyFile& key);
/// Throws WrongKey when the text is no key file.
KeyFile parse_key_file(std::string_view text);

/// The bytes of a slot blob. Throws InvalidArgument when the cost is outside of the format's
/// limits.
Bytes wrap_with_key_file(const SecretKey& master, const KeyFile& key, Random& random);
Bytes wrap_with_passphrase(const SecretKey& master,
                           const RepositoryId& repository,
                           std::string_view passphrase,
                           ScryptCost cost,
                           Random& random);

enum class SlotMethod { KeyFile = 1, Passphrase = 2 };

/// Throws CorruptData or UnknownFormat when it is not a slot.
SlotMethod slot_method(ByteView slot);
RepositoryId slot_repository(ByteView slot);

/// The master key; empty when the secret does not open the slot or is not of its method. Throws
/// CorruptData when the slot asks for more work than the format allows.
std::optional<SecretKey> find_master_key(ByteView slot, const KeyFile& key);
std::optional<SecretKey> find_master_key(ByteView slot, std::string_view passphrase);

/// Throws WrongKey when the secret does not open the slot, CorruptData when the slot asks for more
/// work than the format allows.
SecretKey unwrap_with_key_file(ByteView slot, const KeyFile& key);
SecretKey unwrap_with_passphrase(ByteView slot, std::string_view passphrase);

}  // namespace backup::repository
