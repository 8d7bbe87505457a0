// SPDX-License-Identifier: Apache-2.0
#include "core/capture/previous_tree.hpp"

#include "core/base/task_group.hpp"

namespace backup::capture {

namespace {

constexpr std::size_t kWindow = 256;

}  // namespace

void PreviousTree::enter(std::string_view name) {
    Level level;
    if (levels_.empty()) {
        if (root_ && root_->attributes.type == model::FileType::Directory) {
            level.directory = root_->directory;
        }
    } else if (const auto* entry = find(name);
               entry != nullptr && entry->attributes.type == model::FileType::Directory) {
        level.directory = entry->directory;
    }
    levels_.push_back(std::move(level));
}

void PreviousTree::refill(Level& level) {
    level.window.clear();
    level.next = 0;
    const auto damage = failure_of([&] {
        tree_->list(*level.directory, level.following, [&](const repository::TreeEntry& entry) {
            level.window.push_back(entry);
            return level.window.size() < kWindow;
        });
    });
    if (damage) {
        level.is_at_end = true;
        return;
    }
    level.following += level.window.size();
    level.is_at_end = level.window.size() < kWindow;
}

const repository::TreeEntry* PreviousTree::find(std::string_view name) {
    if (levels_.empty() || !levels_.back().directory) {
        return nullptr;
    }
    Level& level = levels_.back();
    for (;;) {
        for (; level.next < level.window.size(); ++level.next) {
            const repository::TreeEntry& entry = level.window[level.next];
            if (entry.attributes.name >= name) {
                return entry.attributes.name == name ? &entry : nullptr;
            }
        }
        if (level.is_at_end) {
            return nullptr;
        }
        refill(level);
    }
}

const repository::TreeEntry* PreviousTree::image() const {
    const bool is_image = root_ && root_->attributes.type == model::FileType::Regular;
    return is_image ? &*root_ : nullptr;
}

std::optional<repository::FileContent> PreviousTree::content_of(
    const repository::TreeEntry& entry) const {
    std::optional<repository::FileContent> content;
    failure_of([&] { content = tree_->load_content(entry); });
    return content;
}

}  // namespace backup::capture
