// SPDX-License-Identifier: Apache-2.0
// All points of a repository as one tree: latest, by-time/, by-name/, by-namespace/ (docs/tree.md).
// All functions may be called from any thread.
#pragma once

#include "core/base/problem.hpp"
#include "core/repository/point_store.hpp"
#include "core/view/node.hpp"
#include "core/view/view_options.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace backup::view {

/// A file in /.backup, whose text is asked for at each reading.
struct StatusFile {
    std::string name;
    std::function<std::string()> text;
};

class RepositoryView {
  public:
    /// Shows nothing before the first refresh(). Both must outlive every node.
    RepositoryView(const repository::Repository& repository,
                   repository::ChunkStore& chunks,
                   ViewOptions options,
                   std::vector<StatusFile> status_files = {});
    ~RepositoryView();
    RepositoryView(const RepositoryView&) = delete;
    RepositoryView& operator=(const RepositoryView&) = delete;

    /// Looks for points that came or went; true when there were any. A damaged point is left out
    /// and told in `problems`.
    bool refresh(std::vector<Problem>* problems = nullptr);

    /// Oldest first; a snapshot of the last refresh.
    std::shared_ptr<const std::vector<repository::PointRecord>> points() const;

    /// Its inode number is kRootInode.
    NodePointer root();

    /// The root of one of the points.
    NodePointer open_point(const repository::PointRecord& record);

    /// An entry of a volume by its inode number (Node::is_found_by_inode); nullptr when the number
    /// belongs to nothing that was handed out.
    NodePointer find_by_inode(std::uint64_t inode);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// The directory of a point in by-time: "20261120T100000Z-shop".
std::string time_name(const model::RecoveryPoint& point);

}  // namespace backup::view
