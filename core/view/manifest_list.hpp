// SPDX-License-Identifier: Apache-2.0
// manifests.yaml: all manifests of a namespace in the order in which they can be applied. Only
// where each begins is kept; the text is made again when it is read. Private to this layer.
#pragma once

#include "core/repository/tree_reader.hpp"
#include "core/view/node.hpp"
#include "core/view/synthetic_nodes.hpp"

#include <memory>
#include <string>
#include <vector>

namespace backup::view {

class PointTree;

struct ManifestIndex {
    struct Piece {
        repository::TreeEntry object;
        std::string resource;
        std::uint64_t end = 0;  // offset behind it in the file
    };

    std::string header;  // stands in front
    std::vector<Piece> pieces;

    std::uint64_t size() const { return pieces.empty() ? header.size() : pieces.back().end; }
};

class ManifestList : public Node {
  public:
    ManifestList(NodeFrame frame, std::shared_ptr<PointTree> tree, std::string name_space)
        : frame_(frame),
          tree_(std::move(tree)),
          namespace_(std::move(name_space)) {}

    model::FileType type() const override { return model::FileType::Regular; }

    std::uint64_t inode() const override { return frame_.inode; }

    NodeInfo info() override;
    std::size_t read(std::uint64_t offset, std::span<std::byte> out) override;

  private:
    std::shared_ptr<const ManifestIndex> index();

    NodeFrame frame_;
    std::shared_ptr<PointTree> tree_;
    std::string namespace_;
};

}  // namespace backup::view
