// SPDX-License-Identifier: Apache-2.0
// What the callbacks work on: the view, the nodes the kernel knows, and the errors it met.
#pragma once

#include "core/view/repository_view.hpp"
#include "fuse/error_journal.hpp"
#include "fuse/io_pool.hpp"
#include "fuse/node_table.hpp"

#include <atomic>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace backup::fuse {

class MountedView {
  public:
    /// `view` must have been refreshed once; both must outlive this. With `checks_permissions` the
    /// kernel refuses what owners, modes and ACLs do not allow.
    MountedView(view::RepositoryView& view, ErrorJournal& journal, bool checks_permissions = false);

    NodeTable& nodes() { return nodes_; }

    ErrorJournal& journal() { return journal_; }

    IoPool& io() { return io_; }

    /// Threads that talk to the kernel and may wait for storage at the same time; there must be
    /// more of them than that.
    static constexpr int kWaitingPlaces = 4;

    /// What is left of them.
    std::atomic<int>& waiting_places() { return waiting_places_; }

    /// What still waits for storage gives up at its next call of it.
    void end() { is_ending_ = true; }

    bool is_ending() const { return is_ending_; }

    bool checks_permissions() const { return checks_permissions_; }

    /// False when no file of the volume of `node` has one. Finds out beside, when it is asked
    /// often: a program that lists a tree asks for each file.
    bool may_have_access_lists(const view::NodePointer& node);

    /// Learnt when the connection begins: opening a directory needs no answer of ours.
    std::atomic<bool> kernel_opens_directories = false;

    struct Totals {
        std::uint64_t bytes = 0;
        std::uint64_t files = 0;
    };

    /// Of the newest point, for statfs.
    Totals totals() const;

    /// Something the kernel must forget: an entry of a directory, or what a directory holds when
    /// `name` is empty.
    struct Stale {
        std::uint64_t inode = 0;
        std::string name;

        bool operator==(const Stale&) const = default;
    };

    /// Looks for points that came and went. One thread only. Throws what listing them throws; then
    /// everything stays as it was.
    std::vector<Stale> refresh();

  private:
    /// Directory and name -> inode, of all that changes with the points.
    using Lists = std::map<std::pair<std::uint64_t, std::string>, std::uint64_t>;

    static void add_lists(const view::NodePointer& directory, Lists& lists);
    static std::vector<Stale> compare(const Lists& before, const Lists& after);

    view::RepositoryView& view_;
    ErrorJournal& journal_;
    NodeTable nodes_;
    Lists lists_;
    bool checks_permissions_;
    std::atomic<std::uint64_t> access_list_questions_ = 0;
    std::atomic<bool> is_surveying_ = false;
    std::atomic<int> waiting_places_ = kWaitingPlaces;
    std::atomic<bool> is_ending_ = false;
    // Last: its threads use the others.
    IoPool io_;
};

}  // namespace backup::fuse
