// SPDX-License-Identifier: Apache-2.0
// A tree whose pages say what the test wants: whoever holds the key can write such ones.
#pragma once

#include "core/repository/page_encoder.hpp"
#include "core/repository/tree_reader.hpp"
#include "core/view/view_state.hpp"
#include "core/view/volume_files.hpp"
#include "tests/unit/repository_tree/memory_pages.hpp"

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

namespace backup::testing {

inline content::ShortId id_of(std::uint8_t number) {
    content::ShortId id;
    id.bytes.fill(std::byte{number});
    return id;
}

inline repository::EntryDraft entry(const std::string& name, model::FileType type) {
    repository::EntryDraft draft;
    draft.attributes.name = name;
    draft.attributes.type = type;
    draft.attributes.mode = 0700;
    draft.attributes.uid = ::getuid();
    draft.attributes.gid = ::getgid();
    return draft;
}

inline repository::EntryDraft text_file(const std::string& name, const std::string& text) {
    auto draft = entry(name, model::FileType::Regular);
    draft.attributes.size = text.size();
    draft.content.inline_bytes = text;
    return draft;
}

inline repository::EntryDraft directory_at(const std::string& name, std::uint8_t page) {
    auto draft = entry(name, model::FileType::Directory);
    draft.target.page = id_of(page);
    return draft;
}

inline repository::EntryDraft link_to(const std::string& name, const std::string& target) {
    auto draft = entry(name, model::FileType::Symlink);
    draft.attributes.link_target = target;
    return draft;
}

inline content::ShortId id_at(std::uint32_t number) {
    auto id = id_of(1);
    if (number != 0) {
        store_le(id.bytes.data(), number);
    }
    return id;
}

/// A tree of one directory a page.
struct HostileTree {
    MemoryPages pages;
    std::uint8_t root_page = 1;
    std::uint64_t most_entries = std::numeric_limits<std::uint64_t>::max();
    std::shared_ptr<view::LruCache<view::TreeFacts>> known_facts;

    /// All in the root's page, each in front of those it contains.
    Bytes& put_all(const std::vector<repository::DirectoryDraft>& drafts) {
        std::vector<const repository::DirectoryDraft*> all;
        for (const auto& draft : drafts) {
            all.push_back(&draft);
        }
        return pages.chunks[id_of(1)] = repository::encode_page(all);
    }

    /// Directories that contain one more each, none of them twice.
    void put_chain(std::uint32_t length) {
        for (std::uint32_t i = 0; i < length; ++i) {
            repository::DirectoryDraft draft;
            draft.entries = {entry("d", model::FileType::Directory)};
            draft.entries[0].target.page = id_at(i + 1);
            draft.all_entries = draft.subdirectories = 1;
            pages.chunks[id_at(i)] = repository::encode_page({&draft});
        }
    }

    Bytes& put(std::uint8_t page, std::vector<repository::EntryDraft> entries) {
        repository::DirectoryDraft draft;
        draft.all_entries = entries.size();
        for (const auto& each : entries) {
            draft.subdirectories += each.attributes.type == model::FileType::Directory ? 1U : 0U;
        }
        draft.entries = std::move(entries);
        return pages.chunks[id_of(page)] = repository::encode_page({&draft});
    }

    view::NodePointer root() {
        auto part = std::make_shared<view::TreePart>();
        part->number = 1;
        part->most_entries = most_entries;
        part->known_facts = known_facts;
        part->reader =
            std::make_shared<repository::TreeReader>(std::make_shared<MemorySource>(pages),
                                                     repository::DirectoryRef{id_of(root_page), 0},
                                                     std::vector<content::ShortId>{});
        repository::TreeEntry top;
        top.attributes = entry("v", model::FileType::Directory).attributes;
        top.directory = {id_of(root_page), 0};
        part->root = top;
        return std::make_shared<view::VolumeFile>(part, top);
    }
};

}  // namespace backup::testing
