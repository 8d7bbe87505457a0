// SPDX-License-Identifier: Apache-2.0
#include "fuse/mounted_view.hpp"

namespace backup::fuse {

MountedView::MountedView(view::RepositoryView& view, ErrorJournal& journal)
    : view_(view),
      journal_(journal),
      nodes_(view.root(), [&view](std::uint64_t inode) { return view.find_by_inode(inode); }) {}

MountedView::Totals MountedView::totals() const {
    const auto points = view_.points();
    if (points->empty()) {
        return {};
    }
    const auto& statistics = points->back().point.statistics;
    return {statistics.bytes, statistics.files + statistics.directories + statistics.objects};
}

std::vector<MountedView::Stale> MountedView::refresh() {
    std::vector<Stale> stale;
    std::vector<Problem> problems;
    if (view_.refresh(&problems)) {
        add_stale_lists(view_.root(), stale);
    }
    for (const auto& problem : problems) {
        journal_.add(Error(problem.code, problem.subject + ": " + problem.message));
    }
    const auto errors = journal_.count();
    const auto status = view_.root()->find(".backup");
    if (errors != shown_errors_ && status) {
        shown_errors_ = errors;
        status->list(0, [&stale](std::string_view /*name*/, const view::NodePointer& file) {
            stale.push_back({file->inode(), {}});
            return true;
        });
    }
    return stale;
}

void MountedView::add_stale_lists(const view::NodePointer& directory, std::vector<Stale>& stale) {
    stale.push_back({directory->inode(), {}});
    directory->list(0, [&](std::string_view name, const view::NodePointer& child) {
        if (child->freshness() != view::Freshness::UntilPoint) {
            return true;
        }
        stale.push_back({directory->inode(), std::string(name)});
        if (child->is_directory()) {
            add_stale_lists(child, stale);
        }
        return true;
    });
}

}  // namespace backup::fuse
