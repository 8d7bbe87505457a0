// SPDX-License-Identifier: Apache-2.0
// One point as a tree: point.yaml, cluster/, namespaces/ (docs/tree.md).
#pragma once

#include "core/repository/point_store.hpp"
#include "core/view/node.hpp"
#include "core/view/view_options.hpp"

#include <memory>
#include <span>
#include <vector>

namespace backup::view {

class ViewState;

/// The root of a point for use without a RepositoryView (ls, cat, cp, restore). Opens the tree when
/// something below is first needed. `chunks` must outlive every node.
NodePointer open_point(repository::ChunkStore& chunks,
                       const repository::PointRecord& record,
                       ViewOptions options = {});

/// The roots of several points, which share their caches.
std::vector<NodePointer> open_points(repository::ChunkStore& chunks,
                                     std::span<const repository::PointRecord> records,
                                     ViewOptions options = {});

/// The same inside a view whose points share caches.
NodePointer make_point_node(std::shared_ptr<ViewState> state,
                            const repository::PointRecord& record);

/// point.yaml: what is known about the point, and its ledger.
std::string render_point(repository::ChunkStore& chunks, const repository::PointRecord& record);

}  // namespace backup::view
