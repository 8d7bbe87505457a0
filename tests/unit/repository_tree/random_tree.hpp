// SPDX-License-Identifier: Apache-2.0
// Trees as plain values: made at random, built into pages, read back for comparison.
#pragma once

#include "core/repository/tree_builder.hpp"
#include "core/repository/tree_reader.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/unit/repository_tree/memory_pages.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace backup::testing {

struct TestNode {
    model::FileEntry entry;
    repository::FileContent content;
    std::vector<TestNode> children;

    bool operator==(const TestNode&) const = default;
};

TestNode make_directory(std::string name, std::vector<TestNode> children = {});
/// A small regular file whose bytes are its name.
TestNode make_file(std::string name);

/// Sorts all children by name and drops duplicates.
void sort_children(TestNode& node);

struct RandomTreeOptions {
    std::size_t entries = 2000;
    std::size_t largest_directory = 60;
    bool with_wild_names = true;
};

TestNode make_random_tree(SeededRandom& random, const RandomTreeOptions& options);

/// Hands a whole subtree to the builder.
void add_tree(repository::TreeBuilder& builder, const TestNode& node);

repository::BuiltTree build(MemoryPages& pages, const TestNode& root);
repository::TreeReader open_tree(MemoryPages& pages,
                                 const repository::BuiltTree& tree,
                                 std::uint64_t cache_bytes = 32U << 20U);

/// The whole tree below `directory`, with all contents loaded.
std::vector<TestNode> read_all(repository::TreeReader& reader,
                               const repository::DirectoryRef& directory);

}  // namespace backup::testing
