// SPDX-License-Identifier: Apache-2.0
// Objects as files: clean manifests and the bytes the server gave. Private to this layer.
#pragma once

#include "core/repository/tree_reader.hpp"
#include "core/view/node.hpp"
#include "core/view/point_tree.hpp"
#include "core/view/synthetic_nodes.hpp"

#include <memory>
#include <string>

namespace backup::view {

enum class ObjectForm {
    Manifest,  // YAML, ready to be applied
    Raw,       // JSON, exactly as stored
};

/// A directory of the stored tree that holds directories ("plural.group") of objects, or, one level
/// lower, objects.
class ObjectDirectory : public Node {
  public:
    /// `resource` is empty for the upper level.
    ObjectDirectory(NodeFrame frame,
                    std::shared_ptr<PointTree> tree,
                    ObjectForm form,
                    repository::TreeEntry directory,
                    std::string resource = {});

    model::FileType type() const override { return model::FileType::Directory; }

    std::uint64_t inode() const override { return frame_.inode; }

    NodeInfo info() override;
    NodePointer find(std::string_view name) override;
    void list(std::uint64_t first, const Visit& visit) override;

  private:
    NodePointer make_child(repository::TreeEntry entry) const;

    NodeFrame frame_;
    std::shared_ptr<PointTree> tree_;
    ObjectForm form_;
    repository::TreeEntry directory_;
    std::string resource_;
};

/// The YAML of an object.
std::string render_manifest(PointTree& tree,
                            const repository::TreeEntry& object,
                            std::string_view resource);

}  // namespace backup::view
