// SPDX-License-Identifier: Apache-2.0
#include "core/view/inode_numbers.hpp"

#include "tests/support/catch.hpp"

#include <set>

namespace backup::view {
namespace {

constexpr std::uint64_t position(std::uint64_t ordinal, std::uint64_t index) {
    return (ordinal << 20U) | index;
}

TEST_CASE("a tree number leads back to its part and position") {
    constexpr std::uint32_t kLastPart = (1U << kPartBits) - 1;
    for (const std::uint32_t part : {1U, 77U, kLastPart}) {
        for (const auto place : {position(0, 0), position(0, 65'535), position(16'777'215, 12)}) {
            const auto inode = make_tree_inode(part, place);
            REQUIRE(is_tree_inode(inode));
            CHECK(split_tree_inode(inode).part == part);
            CHECK(split_tree_inode(inode).position == place);
        }
    }
}

TEST_CASE("numbers of different kinds never meet") {
    CHECK_FALSE(is_tree_inode(kRootInode));
    CHECK_FALSE(is_tree_inode(0));
    CHECK_FALSE(is_tree_inode(make_synthetic_inode(kRootInode, "by-time")));
    CHECK_FALSE(is_tree_inode(make_link_group_inode(1, 5)));
    CHECK(make_link_group_inode(1, 5) != make_link_group_inode(2, 5));
    CHECK(make_link_group_inode(1, 5) != make_link_group_inode(1, 6));
    CHECK(fits_link_group((std::uint64_t{1} << 40U) - 1));
    CHECK_FALSE(fits_link_group(std::uint64_t{1} << 40U));
}

TEST_CASE("synthetic numbers depend on the whole path and are the same in every mount") {
    const auto a = make_synthetic_inode(kRootInode, "a");
    CHECK(a == make_synthetic_inode(kRootInode, "a"));
    CHECK(make_synthetic_inode(a, "b") != make_synthetic_inode(kRootInode, "b"));
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 100'000; ++i) {
        seen.insert(make_synthetic_inode(a, std::to_string(i)));
    }
    CHECK(seen.size() == 100'000);
    // Part of what a mount promises: a change here gives every file a new number.
    CHECK(a == 0xce7e6b73b43d4b33ULL);
}

}  // namespace
}  // namespace backup::view
