// SPDX-License-Identifier: Apache-2.0
// What the callbacks work on: the view, the nodes the kernel knows, and the errors it met.
#pragma once

#include "core/view/repository_view.hpp"
#include "fuse/error_journal.hpp"
#include "fuse/node_table.hpp"

#include <string>
#include <vector>

namespace backup::fuse {

class MountedView {
  public:
    /// `view` must have been refreshed once; both must outlive this.
    MountedView(view::RepositoryView& view, ErrorJournal& journal);

    NodeTable& nodes() { return nodes_; }

    ErrorJournal& journal() { return journal_; }

    struct Totals {
        std::uint64_t bytes = 0;
        std::uint64_t files = 0;
    };

    /// Of the newest point, for statfs.
    Totals totals() const;

    /// Something the kernel must forget: an entry of a directory, or what a directory or file holds
    /// when `name` is empty.
    struct Stale {
        std::uint64_t inode = 0;
        std::string name;
    };

    /// Looks for new points and new errors.
    std::vector<Stale> refresh();

  private:
    void add_stale_lists(const view::NodePointer& directory, std::vector<Stale>& stale);

    view::RepositoryView& view_;
    ErrorJournal& journal_;
    NodeTable nodes_;
    std::uint64_t shown_errors_ = 0;
};

}  // namespace backup::fuse
