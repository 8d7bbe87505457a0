// SPDX-License-Identifier: Apache-2.0
#include "core/view/inode_numbers.hpp"

#include "core/repository/tree_reader.hpp"

namespace backup::view {
namespace {

constexpr std::uint64_t kSynthetic = std::uint64_t{1} << 63U;
constexpr std::uint64_t kLinkGroup = std::uint64_t{1} << 62U;
constexpr unsigned kPlaceBits = 40;
// A page of 4 MiB holds fewer than 2^16 entries of 72 bytes, so the position packs tighter here.
constexpr unsigned kIndexBits = 16;
constexpr std::uint64_t kPlaceMask = (std::uint64_t{1} << kPlaceBits) - 1;
constexpr std::uint64_t kPositionIndexMask =
    (std::uint64_t{1} << repository::kPositionIndexBits) - 1;

// Part 0 is not given to anything, so that no number is 0 or that of the root.
std::uint64_t place_in(std::uint32_t part, std::uint64_t place) {
    return (std::uint64_t{part} << kPlaceBits) | (place & kPlaceMask);
}

}  // namespace

std::uint64_t make_tree_inode(std::uint32_t part, std::uint64_t position) {
    const auto ordinal = position >> repository::kPositionIndexBits;
    return place_in(part, (ordinal << kIndexBits) | (position & kPositionIndexMask));
}

bool is_tree_inode(std::uint64_t inode) {
    return (inode & (kSynthetic | kLinkGroup)) == 0 && inode >> kPlaceBits != 0;
}

TreeInode split_tree_inode(std::uint64_t inode) {
    const auto place = inode & kPlaceMask;
    const auto index = place & ((std::uint64_t{1} << kIndexBits) - 1);
    const auto part = static_cast<std::uint32_t>((inode & ~kLinkGroup) >> kPlaceBits);
    return {part, ((place >> kIndexBits) << repository::kPositionIndexBits) | index};
}

bool fits_link_group(std::uint64_t source_inode) {
    return source_inode <= kPlaceMask;
}

std::uint64_t make_link_group_inode(std::uint32_t part, std::uint64_t source_inode) {
    return kLinkGroup | place_in(part, source_inode);
}

std::uint64_t make_synthetic_inode(std::uint64_t parent, std::string_view name) {
    return hash_text(name, parent) | kSynthetic;
}

// FNV-1a over the text, then the finalizer of MurmurHash3.
std::uint64_t hash_text(std::string_view text, std::uint64_t seed) {
    std::uint64_t hash = 0xcbf29ce484222325ULL ^ (seed * 0x9e3779b97f4a7c15ULL);
    for (const char character : text) {
        hash = (hash ^ static_cast<unsigned char>(character)) * 0x100000001b3ULL;
    }
    hash = (hash ^ (hash >> 33U)) * 0xff51afd7ed558ccdULL;
    hash = (hash ^ (hash >> 33U)) * 0xc4ceb9fe1a85ec53ULL;
    return hash ^ (hash >> 33U);
}

}  // namespace backup::view
