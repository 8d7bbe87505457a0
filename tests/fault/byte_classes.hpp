// SPDX-License-Identifier: Apache-2.0
// The classes of bytes a blob consists of (docs/format.md 2 to 8), and everything that may happen
// to a blob: what the byte matrix is made of.
#pragma once

#include "core/base/bytes.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace backup::testing {

struct ByteClass {
    std::string name;
    std::size_t begin = 0;
    std::size_t end = 0;
};

/// Every byte of a genuine blob of that name is in exactly one class; none is empty.
std::vector<ByteClass> classes_of(std::string_view name, ByteView blob);

enum class Manner {
    Flipped,
    CutShort,
    Lengthened,
    Blanked,
    Swapped,
    OfOtherKind,
    RolledBack,
    Removed
};

struct Damage {
    Manner manner{};
    std::string what;           // "flipped: salt, last byte"
    std::optional<Bytes> left;  // nothing: the blob is gone
};

struct NamedBlob {
    std::string name;
    Bytes bytes;
};

/// `others`: genuine blobs of the same kind, the older ones first; those before `blob` in it are
/// older.
std::vector<Damage> damages_of(const NamedBlob& blob, const std::vector<NamedBlob>& others);

}  // namespace backup::testing
