// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/repository_tree/random_tree.hpp"

#include <algorithm>

namespace backup::testing {

using model::FileType;
using repository::Extent;

namespace {

std::string random_bytes(SeededRandom& random, std::size_t length) {
    const auto bytes = random.bytes(length);
    return std::string(as_text(bytes));
}

std::string random_name(SeededRandom& random, bool wild) {
    constexpr std::size_t kLongest = 255;
    if (!wild || !random.chance(8)) {
        return "f" + std::to_string(random.below(1'000'000));
    }
    auto name = random_bytes(random, 1 + random.below(kLongest));
    std::replace(name.begin(), name.end(), '/', '_');
    std::replace(name.begin(), name.end(), '\0', '0');
    return model::is_valid_name(name) ? name : "x";
}

std::vector<Extent> random_extents(SeededRandom& random) {
    std::vector<Extent> extents;
    std::uint64_t end = 0;
    const auto count = random.chance(40) ? 65 + random.below(6000) : 1 + random.below(70);
    for (std::uint64_t i = 0; i < count; ++i) {
        Extent extent;
        if (!random.chance(5)) {
            random.fill(extent.chunk.bytes);
        }
        end += 1 + random.below(4U << 20U);
        extent.end = end;
        extents.push_back(extent);
    }
    return extents;
}

void fill_attributes(SeededRandom& random, model::FileEntry& entry) {
    entry.mode = static_cast<std::uint32_t>(random.below(010000));
    entry.uid = static_cast<std::uint32_t>(random.number());
    entry.gid = static_cast<std::uint32_t>(random.number());
    entry.link_count = static_cast<std::uint32_t>(random.below(9));
    entry.mtime_ns = static_cast<std::int64_t>(random.number());
    entry.ctime_ns = static_cast<std::int64_t>(random.number());
    entry.inode = random.number();
    entry.has_link_group = random.chance(10);
    entry.is_racy = random.chance(10);
    if (random.chance(10)) {
        entry.xattrs.push_back({"security.selinux", std::string("system_u:object_r:x\0", 20)});
        entry.xattrs.push_back({"user." + std::to_string(random.below(5)), ""});
        entry.xattrs.push_back({"user.z", random_bytes(random, random.below(3000))});
    }
}

void fill_regular(SeededRandom& random, TestNode& node) {
    node.entry.changed_while_read = random.chance(20);
    switch (random.below(4)) {
        case 0:
            break;
        case 1:
            node.content.extents = random_extents(random);
            node.entry.size = node.content.extents.back().end;
            break;
        case 2:
            node.entry.content_unreadable = random.chance(2);
            node.entry.size = node.entry.content_unreadable ? random.below(1000) : 0;
            break;
        default:
            node.content.inline_bytes = random_bytes(random, 1 + random.below(512));
            node.entry.size = node.content.inline_bytes.size();
    }
}

TestNode random_leaf(SeededRandom& random, bool wild) {
    TestNode node;
    node.entry.name = random_name(random, wild);
    fill_attributes(random, node.entry);
    const auto kind = random.below(20);
    if (kind == 0) {
        node.entry.type = FileType::Symlink;
        node.entry.link_target = "/" + random_bytes(random, random.below(4000));
        std::replace(node.entry.link_target.begin(), node.entry.link_target.end(), '\0', '0');
        node.entry.size = node.entry.link_target.size();
    } else if (kind == 1) {
        node.entry.type = random.chance(2) ? FileType::Fifo : FileType::Socket;
    } else if (kind == 2) {
        node.entry.type = random.chance(2) ? FileType::CharacterDevice : FileType::BlockDevice;
        node.entry.device_major = static_cast<std::uint32_t>(random.number());
        node.entry.device_minor = static_cast<std::uint32_t>(random.number());
    } else {
        fill_regular(random, node);
    }
    return node;
}

struct Growth {
    SeededRandom& random;
    RandomTreeOptions options;
    std::size_t left;

    void grow(TestNode& directory, unsigned depth) {
        constexpr unsigned kDeepest = 12;
        auto count = std::min<std::size_t>(left, random.below(options.largest_directory + 1));
        for (; count > 0 && left > 0; --count) {
            --left;
            if (depth < kDeepest && random.chance(4)) {
                auto child = make_directory(random_name(random, options.with_wild_names));
                fill_attributes(random, child.entry);
                grow(child, depth + 1);
                directory.children.push_back(std::move(child));
            } else {
                directory.children.push_back(random_leaf(random, options.with_wild_names));
            }
        }
    }
};

}  // namespace

void add_tree(repository::TreeBuilder& builder, const TestNode& node) {
    if (node.entry.type != FileType::Directory) {
        builder.add(node.entry, node.content);
        return;
    }
    builder.begin_directory(node.entry);
    for (const auto& child : node.children) {
        add_tree(builder, child);
    }
    builder.end_directory();
}

TestNode make_directory(std::string name, std::vector<TestNode> children) {
    TestNode node;
    node.entry.name = std::move(name);
    node.entry.type = FileType::Directory;
    node.entry.mode = 0755;
    node.children = std::move(children);
    return node;
}

TestNode make_file(std::string name) {
    TestNode node;
    node.content.inline_bytes = name;
    node.entry.size = name.size();
    node.entry.mode = 0644;
    node.entry.name = std::move(name);
    return node;
}

void sort_children(TestNode& node) {
    auto& children = node.children;
    std::stable_sort(children.begin(), children.end(), [](const auto& a, const auto& b) {
        return a.entry.name < b.entry.name;
    });
    const auto is_same = [](const auto& a, const auto& b) { return a.entry.name == b.entry.name; };
    children.erase(std::unique(children.begin(), children.end(), is_same), children.end());
    for (auto& child : children) {
        sort_children(child);
    }
}

TestNode make_random_tree(SeededRandom& random, const RandomTreeOptions& options) {
    auto root = make_directory("");
    root.entry.mode = 0;
    Growth growth{random, options, options.entries};
    while (growth.left > 0) {
        growth.grow(root, 0);
    }
    sort_children(root);
    return root;
}

repository::BuiltTree build(MemoryPages& pages, const TestNode& root) {
    repository::TreeBuilder builder(std::make_unique<MemorySink>(pages));
    add_tree(builder, root);
    return builder.finish();
}

repository::TreeReader open_tree(MemoryPages& pages,
                                 const repository::BuiltTree& tree,
                                 std::uint64_t cache_bytes) {
    return {std::make_shared<MemorySource>(pages), tree.root, tree.pages, {cache_bytes}};
}

std::vector<TestNode> read_all(repository::TreeReader& reader,
                               const repository::DirectoryRef& directory) {
    std::vector<TestNode> out;
    std::vector<repository::DirectoryRef> below;
    reader.list(directory, 0, [&](const repository::TreeEntry& entry) {
        TestNode node;
        node.entry = entry.attributes;
        node.content = reader.load_content(entry);
        out.push_back(std::move(node));
        below.push_back(entry.directory);
        return true;
    });
    for (std::size_t i = 0; i < out.size(); ++i) {
        if (out[i].entry.type == FileType::Directory) {
            out[i].children = read_all(reader, below[i]);
        }
    }
    return out;
}

}  // namespace backup::testing
