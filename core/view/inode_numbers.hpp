// SPDX-License-Identifier: Apache-2.0
// Inode numbers of the view. Entries of volumes: the part (one volume of one point) and the
// position in its tree, so that a number leads back to its entry without any table. Names of one
// file share a number made from that of the source or, where that is too long, the number of the
// first of them. Everything else: a hash of its path, with the highest bit set.
#pragma once

#include <cstdint>
#include <string_view>

namespace backup::view {

inline constexpr std::uint64_t kRootInode = 1;

inline constexpr unsigned kPartBits = 22;

/// `part` below 2^kPartBits; `position` as TreeEntry::position.
std::uint64_t make_tree_inode(std::uint32_t part, std::uint64_t position);

struct TreeInode {
    std::uint32_t part = 0;
    std::uint64_t position = 0;
};

bool is_tree_inode(std::uint64_t inode);
TreeInode split_tree_inode(std::uint64_t inode);

/// Whether make_link_group_inode takes the number. CephFS begins at 2^40.
bool fits_link_group(std::uint64_t source_inode);
/// One number for all names of a file that has several; only for a number that fits.
std::uint64_t make_link_group_inode(std::uint32_t part, std::uint64_t source_inode);

/// Of a child of a synthetic directory.
std::uint64_t make_synthetic_inode(std::uint64_t parent, std::string_view name);

/// Well mixed 64 bits.
std::uint64_t hash_text(std::string_view text, std::uint64_t seed = 0);

}  // namespace backup::view
