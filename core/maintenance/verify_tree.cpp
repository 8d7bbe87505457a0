// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/verify_tree.hpp"

#include "core/base/stop_on_signal.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace backup::maintenance {

using namespace repository;

namespace {

// Damage may be met on any number of ways, each with a long path; nobody reads so many lines.
constexpr std::size_t kMostWalkedAgain = 100'000;
constexpr std::size_t kMostToldBytes = 64U << 20U;
// Subdirectories that are kept of a directory at a time.
constexpr std::size_t kWindow = 64;

/// What the action threw, as one part that failed.
template <typename Action>
std::optional<Error> error_of(Action&& action) {
    try {
        action();
        return std::nullopt;
    } catch (const Error& error) {
        if (error.code() == ErrorCode::Interrupted) {
            throw;
        }
        return error;
    }
}

}  // namespace

std::string name_of(const PointRecord& record) {
    return record.point.name.empty() ? record.point.id : record.point.name;
}

void TreeVerifier::verify(const PointRecord& record,
                          std::vector<Problem>& problems,
                          const std::stop_token& stop) {
    std::unique_ptr<TreeReader> tree;
    const auto failure = error_of([&] { tree = TreeReader::open(chunks_, record); });
    if (failure) {
        problems.push_back({name_of(record), failure->what(), failure->code()});
        return;
    }
    point_ = name_of(record) + ":";
    levels_.clear();
    walked_again_ = told_bytes_ = untold_ = 0;
    enter(tree->root(), {});
    while (!levels_.empty()) {
        throw_if_stopped(stop);
        descend(*tree);
    }
    if (untold_ != 0) {
        found_.push_back({point_, concat(untold_, " more are not told"), ErrorCode::CorruptData});
    }
    std::move(found_.begin(), found_.end(), std::back_inserter(problems));
    found_.clear();
}

void TreeVerifier::descend(TreeReader& tree) {
    auto& level = levels_.back();
    if (level.next < level.window.size()) {
        auto [name, directory] = std::move(level.window[level.next++]);
        enter(directory, std::move(name));
    } else if (level.is_at_end) {
        levels_.pop_back();
    } else {
        go_on(tree, level);
    }
}

/// What was walked before is left out when there is nothing to tell of it again.
void TreeVerifier::enter(const DirectoryRef& directory, std::string name) {
    const auto [found, is_new] =
        seen_.try_emplace(Key(directory.page, directory.slot), Walked::Sound);
    if (!is_new) {
        if (found->second == Walked::Sound) {
            return;
        }
        note_damage();
        if (++walked_again_ > kMostWalkedAgain) {
            ++untold_;
            return;
        }
    }
    levels_.push_back({directory, std::move(name), 0, false, false, {}, 0});
    if (levels_.size() > kDeepestDirectory) {
        add_problem(nullptr, "directories are nested too deeply", ErrorCode::CorruptData);
        levels_.pop_back();
    }
}

void TreeVerifier::go_on(TreeReader& tree, Level& level) {
    level.window.clear();
    level.next = 0;
    level.is_at_end = true;
    const auto damage = error_of([&] {
        tree.list(level.directory, level.following, [&](const TreeEntry& entry) {
            level.is_at_end = check(tree, entry, level);
            return level.is_at_end;
        });
    });
    if (damage) {
        add_problem(nullptr, damage->what(), damage->code());
        level.is_at_end = true;
    }
}

/// False when the window is full.
bool TreeVerifier::check(TreeReader& tree, const TreeEntry& entry, Level& level) {
    ++level.following;
    if (entry.attributes.type == model::FileType::Directory) {
        level.window.emplace_back(entry.attributes.name, entry.directory);
    } else if (const auto damage = check_entry(tree, entry)) {
        add_problem(&entry.attributes.name, damage->what(), damage->code());
    }
    return level.window.size() < kWindow;
}

std::string TreeVerifier::path_of(const std::string* name) const {
    auto path = point_;
    for (std::size_t i = 1; i < levels_.size(); ++i) {
        path.append("/").append(printable(levels_[i].name));
    }
    return name == nullptr ? path : path.append("/").append(printable(*name));
}

/// For the points that come later: all directories on the way count as damaged.
void TreeVerifier::note_damage() {
    for (auto level = levels_.rbegin(); level != levels_.rend() && !level->is_damaged; ++level) {
        level->is_damaged = true;
        seen_[Key(level->directory.page, level->directory.slot)] = Walked::Damaged;
    }
}

void TreeVerifier::add_problem(const std::string* name, std::string message, ErrorCode code) {
    note_damage();
    if (told_bytes_ > kMostToldBytes) {
        ++untold_;
        return;
    }
    auto path = path_of(name);
    told_bytes_ += path.size() + message.size();
    found_.push_back({std::move(path), std::move(message), code});
}

std::optional<Error> TreeVerifier::check_entry(TreeReader& tree, const TreeEntry& entry) const {
    FileContent content;
    if (auto damage = error_of([&] { content = tree.load_content(entry); })) {
        return damage;
    }
    std::uint64_t begin = 0;
    for (const auto& extent : content.extents) {
        if (!extent.chunk.is_hole() && !is_stored_(extent.chunk, extent.end - begin)) {
            return Error(ErrorCode::CorruptData,
                         concat("its bytes from ",
                                begin,
                                " to ",
                                extent.end,
                                " (chunk ",
                                extent.chunk.hex(),
                                ") are not stored"));
        }
        begin = extent.end;
    }
    return std::nullopt;
}

}  // namespace backup::maintenance
