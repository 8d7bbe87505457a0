// SPDX-License-Identifier: Apache-2.0
// The name of a run of plain bytes: docs/format.md section 5.
#pragma once

#include "core/base/bytes.hpp"

#include <array>
#include <compare>
#include <cstring>
#include <functional>
#include <string>

namespace backup::content {

enum class ChunkKind : std::uint8_t { Data = 'D', Page = 'T', ExtentPage = 'X', Metadata = 'L' };

/// No chunk is longer: docs/format.md section 5.
inline constexpr std::uint32_t kLargestChunkBytes = 64U << 20U;

/// First 16 bytes of a chunk id: what trees and the index use.
struct ShortId {
    std::array<std::byte, 16> bytes{};

    auto operator<=>(const ShortId&) const = default;

    bool is_hole() const { return *this == ShortId{}; }

    std::string hex() const { return to_hex(bytes); }
};

struct ChunkId {
    std::array<std::byte, 32> bytes{};

    auto operator<=>(const ChunkId&) const = default;

    ShortId short_id() const {
        ShortId id;
        std::memcpy(id.bytes.data(), bytes.data(), id.bytes.size());
        return id;
    }

    std::string hex() const { return to_hex(bytes); }
};

}  // namespace backup::content

/// Ids are outputs of a keyed hash: any eight bytes are already uniform.
template <>
struct std::hash<backup::content::ShortId> {
    std::size_t operator()(const backup::content::ShortId& id) const noexcept {
        return static_cast<std::size_t>(backup::load_le<std::uint64_t>(id.bytes.data()));
    }
};
