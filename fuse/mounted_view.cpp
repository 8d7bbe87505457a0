// SPDX-License-Identifier: Apache-2.0
#include "fuse/mounted_view.hpp"

#include "core/base/patience.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"

#include <set>

namespace backup::fuse {

namespace {

// As many files that have to be fetched can be waited for at once.
constexpr unsigned kIoThreads = 16;
// Who asks that often goes through the whole tree.
constexpr std::uint64_t kManyQuestions = 64;

}  // namespace

MountedView::MountedView(view::RepositoryView& view, ErrorJournal& journal, bool checks_permissions)
    : view_(view),
      journal_(journal),
      nodes_(view.root(), [&view](std::uint64_t inode) { return view.find_by_inode(inode); }),
      checks_permissions_(checks_permissions),
      io_(kIoThreads) {
    add_lists(view_.root(), lists_);
}

MountedView::Totals MountedView::totals() const {
    const auto points = view_.points();
    if (points->empty()) {
        return {};
    }
    const auto& statistics = points->back().point.statistics;
    return {statistics.bytes, statistics.files + statistics.directories + statistics.objects};
}

bool MountedView::may_have_access_lists(const view::NodePointer& node) {
    if (!node->may_have_access_lists()) {
        return false;
    }
    if (++access_list_questions_ % kManyQuestions == 0 && !is_surveying_.exchange(true)) {
        io_.submit([this, node] {
            const PatienceLimit limit([this] { return is_ending(); });
            // Damage is told to those who meet it.
            static_cast<void>(failure_of([&node] { node->survey(); }));
            is_surveying_ = false;
        });
    }
    return true;
}

std::vector<MountedView::Stale> MountedView::refresh() {
    std::vector<Problem> problems;
    const bool is_changed = view_.refresh(&problems);
    for (const auto& problem : problems) {
        journal_.add(Error(problem.code, concat(problem.subject, ": ", problem.message)));
    }
    if (!is_changed) {
        return {};
    }
    Lists lists;
    add_lists(view_.root(), lists);
    auto stale = compare(lists_, lists);
    lists_ = std::move(lists);
    return stale;
}

void MountedView::add_lists(const view::NodePointer& directory, Lists& lists) {
    directory->list(0, [&](std::string_view name, const view::NodePointer& child) {
        lists.emplace(std::pair(directory->inode(), std::string(name)), child->inode());
        if (child->is_directory() && child->freshness() == view::Freshness::UntilPoint) {
            add_lists(child, lists);
        }
        return true;
    });
}

std::vector<MountedView::Stale> MountedView::compare(const Lists& before, const Lists& after) {
    std::vector<Stale> stale;
    std::set<std::uint64_t> directories;
    const auto add = [&](const Lists::key_type& place) {
        directories.insert(place.first);
        stale.push_back({place.first, place.second});
    };
    for (const auto& [place, inode] : before) {
        const auto now = after.find(place);
        if (now == after.end() || now->second != inode) {
            add(place);
        }
    }
    // Also what is new: the kernel may remember that there was nothing.
    for (const auto& [place, inode] : after) {
        if (!before.contains(place)) {
            add(place);
        }
    }
    for (const auto inode : directories) {
        stale.push_back({inode, {}});
    }
    return stale;
}

}  // namespace backup::fuse
