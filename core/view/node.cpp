// SPDX-License-Identifier: Apache-2.0
#include "core/view/node.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>

namespace backup::view {

NodePointer Node::find(std::string_view) {
    return nullptr;
}

void Node::list(std::uint64_t, const Visit&) {}

std::size_t Node::read(std::uint64_t, std::span<std::byte>) {
    return 0;
}

std::uint64_t Node::piece_end(std::uint64_t offset) {
    constexpr std::uint64_t kPiece = 1U << 20U;
    return offset + kPiece;
}

ByteChain Node::collect(std::uint64_t offset, std::uint64_t size) {
    ByteChain out;
    const auto room = append_room(out, size);
    out.back().bytes = room.first(read(offset, room));
    return out;
}

std::optional<std::uint64_t> Node::seek_data(std::uint64_t offset) {
    return offset < info().attributes.size ? std::optional(offset) : std::nullopt;
}

std::uint64_t Node::seek_hole(std::uint64_t offset) {
    return std::max(offset, info().attributes.size);
}

std::string read_text(Node& file, std::uint64_t limit_bytes) {
    const auto size = file.info().attributes.size;
    if (size > limit_bytes) {
        throw Error(ErrorCode::InvalidArgument,
                    concat("a file of ", size, " bytes is too long to be read whole"));
    }
    std::string text(size, '\0');
    text.resize(file.read(0, std::as_writable_bytes(std::span(text.data(), text.size()))));
    return text;
}

}  // namespace backup::view
