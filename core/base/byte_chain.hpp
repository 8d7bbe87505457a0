// SPDX-License-Identifier: Apache-2.0
// Bytes in several places, each kept alive by its owner: an answer that nobody has to copy
// together.
#pragma once

#include "core/base/bytes.hpp"

#include <memory>
#include <utility>

namespace backup {

struct OwnedBytes {
    ByteView bytes;
    std::shared_ptr<const void> owner;
};

using ByteChain = std::vector<OwnedBytes>;

inline std::size_t size_of(const ByteChain& chain) {
    std::size_t sum = 0;
    for (const auto& piece : chain) {
        sum += piece.bytes.size();
    }
    return sum;
}

/// A piece of memory of its own at the end of the chain, to be filled by the caller.
inline std::span<std::byte> append_room(ByteChain& chain, std::size_t size) {
    auto room = std::make_shared<Bytes>(size);
    const std::span<std::byte> out(*room);
    chain.push_back({out, std::move(room)});
    return out;
}

}  // namespace backup
