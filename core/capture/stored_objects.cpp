// SPDX-License-Identifier: Apache-2.0
#include "core/capture/stored_objects.hpp"

#include <algorithm>
#include <limits>

namespace backup::capture {

namespace {

constexpr std::size_t kMostInBlock = 64;

std::size_t shared_prefix(std::string_view a, std::string_view b) {
    const auto most = std::min(a.size(), b.size());
    return static_cast<std::size_t>(std::mismatch(a.begin(), a.begin() + most, b.begin()).first -
                                    a.begin());
}

void pack(Bytes& out, std::string_view before, std::string_view name, const StoredObject& object) {
    constexpr std::size_t kLongestPrefix = std::numeric_limits<std::uint16_t>::max();
    const auto shared = std::min(shared_prefix(before, name), kLongestPrefix);
    ByteWriter item;
    item.number(static_cast<std::uint16_t>(shared));
    item.sized(name.substr(shared));
    item.number(static_cast<std::uint64_t>(object.created_ns));
    item.number(object.bytes);
    item.number(object.version_mark);
    item.sized(object.content.inline_bytes);
    item.number(static_cast<std::uint32_t>(object.content.extents.size()));
    for (const auto& extent : object.content.extents) {
        item.bytes(extent.chunk.bytes);
        item.number(extent.end);
    }
    append(out, item.view());
}

class Unpacker {
  public:
    explicit Unpacker(const Bytes& packed) : in_(packed, "packed objects") {}

    /// Over the one before; false at the end.
    bool next(std::string& name, StoredObject& object) {
        if (in_.remaining() == 0) {
            return false;
        }
        name.resize(in_.number<std::uint16_t>());
        name += as_text(in_.sized());
        object.created_ns = static_cast<std::int64_t>(in_.number<std::uint64_t>());
        object.bytes = in_.number<std::uint64_t>();
        object.version_mark = in_.number<std::uint64_t>();
        object.content.inline_bytes = as_text(in_.sized());
        object.content.extents.resize(in_.number<std::uint32_t>());
        for (auto& extent : object.content.extents) {
            const auto chunk = in_.bytes(extent.chunk.bytes.size());
            std::copy(chunk.begin(), chunk.end(), extent.chunk.bytes.begin());
            extent.end = in_.number<std::uint64_t>();
        }
        return true;
    }

  private:
    ByteReader in_;
};

}  // namespace

void StoredObjects::insert_or_assign(std::string_view name, const StoredObject& object) {
    if (const auto block = blocks_.lower_bound(name); block != blocks_.end()) {
        place(block, name, object);
    } else {
        append(name, object);
    }
}

void StoredObjects::append(std::string_view name, const StoredObject& object) {
    ++size_;
    object_bytes_ += object.bytes;
    if (blocks_.empty() || blocks_.rbegin()->second.count >= kMostInBlock) {
        if (!blocks_.empty()) {
            blocks_.rbegin()->second.packed.shrink_to_fit();
        }
        const auto block = blocks_.emplace_hint(blocks_.end(), name, Block{1, {}});
        pack(block->second.packed, {}, name, object);
        return;
    }
    auto last = blocks_.extract(std::prev(blocks_.end()));
    pack(last.mapped().packed, last.key(), name, object);
    ++last.mapped().count;
    last.key() = name;
    blocks_.insert(blocks_.end(), std::move(last));
}

void StoredObjects::place(Blocks::iterator block,
                          std::string_view name,
                          const StoredObject& object) {
    std::vector<Item> items;
    items.reserve(block->second.count + 1);
    Item item;
    for (Unpacker unpack(block->second.packed); unpack.next(item.first, item.second);) {
        items.push_back(item);
    }
    blocks_.erase(block);
    const auto at =
        std::lower_bound(items.begin(), items.end(), name, [](const Item& a, std::string_view b) {
            return a.first < b;
        });
    if (at->first == name) {
        object_bytes_ -= at->second.bytes;
        at->second = object;
    } else {
        ++size_;
        items.emplace(at, name, object);
    }
    object_bytes_ += object.bytes;
    if (items.size() > kMostInBlock) {
        const auto middle = items.begin() + static_cast<std::ptrdiff_t>(items.size() / 2);
        add_block(items.begin(), middle);
        add_block(middle, items.end());
    } else {
        add_block(items.begin(), items.end());
    }
}

void StoredObjects::add_block(std::vector<Item>::const_iterator begin,
                              std::vector<Item>::const_iterator end) {
    Block block;
    block.count = static_cast<std::size_t>(end - begin);
    std::string_view before;
    for (auto item = begin; item != end; ++item) {
        pack(block.packed, before, item->first, item->second);
        before = item->first;
    }
    block.packed.shrink_to_fit();
    blocks_.emplace(before, std::move(block));
}

void StoredObjects::merge(StoredObjects&& other) {
    if (blocks_.empty()) {
        *this = std::exchange(other, {});
        return;
    }
    other.for_each([this](const std::string& name, const StoredObject& object) {
        if (!contains(name)) {
            insert_or_assign(name, object);
        }
    });
    other = {};
}

bool StoredObjects::contains(std::string_view name) const {
    const auto block = blocks_.lower_bound(name);
    if (block == blocks_.end()) {
        return false;
    }
    Item item;
    Unpacker unpack(block->second.packed);
    while (unpack.next(item.first, item.second)) {
        if (item.first >= name) {
            return item.first == name;
        }
    }
    return false;
}

void StoredObjects::for_each(const Visit& visit) const {
    for (const auto& [last, block] : blocks_) {
        Item item;
        for (Unpacker unpack(block.packed); unpack.next(item.first, item.second);) {
            visit(item.first, item.second);
        }
    }
}

std::string StoredObjects::first_name() const {
    Item item;
    Unpacker(blocks_.begin()->second.packed).next(item.first, item.second);
    return item.first;
}

}  // namespace backup::capture
