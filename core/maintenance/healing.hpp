// SPDX-License-Identifier: Apache-2.0
// Brings a damaged pack back by its parity, in memory. Writes nothing.
#pragma once

#include "core/base/error.hpp"
#include "core/repository/repository.hpp"

#include <optional>
#include <span>
#include <string>

namespace backup::maintenance {

struct Healing {
    bool has_parity = false;
    std::optional<Error> parity_damage;  // it may have worked all the same
    /// The whole pack, proved by its name; also when what is in its place is sound.
    std::optional<Bytes> pack;
};

/// From what lies in the pack's place and, when that is missing or not enough, from what a repair
/// that did not end put in quarantine. Bad sectors of pack and parity are damage; throws Io when
/// the storage as a whole cannot be read.
Healing heal_pack(const repository::Repository& repository, const content::Digest& pack);

/// Throws CorruptData when the parity of the pack is there and damaged. Does not look at the pack.
void check_parity(const repository::Repository& repository, const content::Digest& pack);

/// "; its parity can heal it" and the like, for messages; empty without parity.
std::string describe_healing(const Healing& healing);

/// "2 packs have no parity: parity/..." and what helps; `packs` is not empty.
std::string describe_lack(std::span<const content::Digest> packs);

}  // namespace backup::maintenance
