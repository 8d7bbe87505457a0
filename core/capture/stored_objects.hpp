// SPDX-License-Identifier: Apache-2.0
// Where the objects of one kind in one namespace were stored, by name and in the order of a tree.
// Of hundreds of thousands all are known until the tree is written: packed, some sixty bytes and
// what is new of the name each, in blocks of a few dozen. Not for several threads at once.
#pragma once

#include "core/base/bytes.hpp"
#include "core/repository/file_content.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace backup::capture {

struct StoredObject {
    std::int64_t created_ns = 0;
    std::uint64_t bytes = 0;
    repository::FileContent content;
    std::uint64_t version_mark = 0;  // KindVersions::mark_of

    bool operator==(const StoredObject&) const = default;
};

class StoredObjects {
  public:
    using Visit = std::function<void(const std::string& name, const StoredObject& object)>;

    /// Cheapest behind all names that are there, as a list comes from the API server.
    void insert_or_assign(std::string_view name, const StoredObject& object);

    /// What both have stays as it is here.
    void merge(StoredObjects&& other);

    bool contains(std::string_view name) const;

    /// In the order of names.
    void for_each(const Visit& visit) const;

    /// There must be one.
    std::string first_name() const;

    std::size_t size() const { return size_; }

    /// Bytes of all objects together.
    std::uint64_t object_bytes() const { return object_bytes_; }

  private:
    using Item = std::pair<std::string, StoredObject>;

    struct Block {
        std::size_t count = 0;
        Bytes packed;
    };

    /// By the last name of each.
    using Blocks = std::map<std::string, Block, std::less<>>;

    void append(std::string_view name, const StoredObject& object);
    void place(Blocks::iterator block, std::string_view name, const StoredObject& object);
    void add_block(std::vector<Item>::const_iterator begin, std::vector<Item>::const_iterator end);

    Blocks blocks_;
    std::size_t size_ = 0;
    std::uint64_t object_bytes_ = 0;
};

}  // namespace backup::capture
