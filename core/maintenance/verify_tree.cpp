// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/verify_tree.hpp"

#include "core/base/stop_on_signal.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace backup::maintenance {

using namespace repository;

namespace {

constexpr std::size_t kMostTold = 100'000;

std::string name_of(const PointRecord& record) {
    return record.point.name.empty() ? record.point.id : record.point.name;
}

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

void TreeVerifier::verify(const PointRecord& record,
                          std::vector<Problem>& problems,
                          const std::stop_token& stop) {
    std::unique_ptr<TreeReader> tree;
    const auto failure = error_of([&] { tree = TreeReader::open(chunks_, record); });
    if (failure) {
        problems.push_back({name_of(record), failure->what(), failure->code()});
        return;
    }
    const auto before = problems.size();
    std::vector<Place> ahead{{tree->root(), name_of(record) + ":", 0}};
    while (!ahead.empty()) {
        throw_if_stopped(stop);
        const auto place = std::move(ahead.back());
        ahead.pop_back();
        if (!enter(place, problems.size() - before)) {
            continue;
        }
        const auto damage = error_of([&] { verify_directory(*tree, place, ahead, problems); });
        if (damage) {
            note_damage();
            problems.push_back({place.path, damage->what(), damage->code()});
        }
    }
}

bool TreeVerifier::enter(const Place& place, std::size_t told) {
    const Key key(place.directory.page, place.directory.slot);
    // What comes off the stack now is below the last one whose depth is smaller.
    trail_.resize(std::min(place.depth, trail_.size()));
    trail_.push_back(key);
    const auto [found, is_new] = seen_.try_emplace(key, Walked::Sound);
    if (is_new) {
        return true;
    }
    if (found->second == Walked::Sound) {
        return false;
    }
    // The damage may be met on any number of ways; nobody reads so many lines.
    note_damage();
    return told < kMostTold;
}

void TreeVerifier::note_damage() {
    for (const auto& key : trail_) {
        seen_[key] = Walked::Damaged;
    }
}

void TreeVerifier::verify_directory(TreeReader& tree,
                                    const Place& place,
                                    std::vector<Place>& ahead,
                                    std::vector<Problem>& problems) {
    tree.list(place.directory, 0, [&](const TreeEntry& entry) {
        auto path = concat(place.path, "/", printable(entry.attributes.name));
        if (entry.attributes.type == model::FileType::Directory) {
            ahead.push_back({entry.directory, std::move(path), place.depth + 1});
            return true;
        }
        if (auto damage = check_entry(tree, entry); !damage.empty()) {
            note_damage();
            problems.push_back({std::move(path), std::move(damage), ErrorCode::CorruptData});
        }
        return true;
    });
}

std::string TreeVerifier::check_entry(TreeReader& tree, const TreeEntry& entry) const {
    FileContent content;
    if (const auto damage = error_of([&] { content = tree.load_content(entry); })) {
        return damage->what();
    }
    std::uint64_t begin = 0;
    for (const auto& extent : content.extents) {
        if (!extent.chunk.is_hole() && !is_stored_(extent.chunk)) {
            return concat("its bytes from ",
                          begin,
                          " to ",
                          extent.end,
                          " (chunk ",
                          extent.chunk.hex(),
                          ") are not stored");
        }
        begin = extent.end;
    }
    return {};
}

}  // namespace backup::maintenance
