// SPDX-License-Identifier: Apache-2.0
// Directories, files and links that no tree holds: the frame around the data.
#pragma once

#include "core/view/node.hpp"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace backup::view {

/// What all nodes of one place have in common.
struct NodeFrame {
    std::uint64_t inode = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::int64_t time_ns = 0;
    Freshness freshness = Freshness::Forever;

    /// For a child of this name.
    NodeFrame below(std::string_view name) const;
};

inline constexpr std::uint32_t kDirectoryMode = 0555;
inline constexpr std::uint32_t kPublicFileMode = 0444;
/// Manifests hold secrets: with --allow-other they are still for the owner of the mount only.
inline constexpr std::uint32_t kSecretFileMode = 0400;

model::FileEntry make_attributes(const NodeFrame& frame, model::FileType type, std::uint32_t mode);

using Children = std::vector<std::pair<std::string, NodePointer>>;

class SyntheticDirectory : public Node {
  public:
    /// `children` is asked each time something is looked up; names must be sorted.
    SyntheticDirectory(NodeFrame frame, std::function<std::shared_ptr<const Children>()> children)
        : frame_(frame),
          children_(std::move(children)),
          is_made_on_request_(true) {}

    SyntheticDirectory(NodeFrame frame, Children children);

    model::FileType type() const override { return model::FileType::Directory; }

    std::uint64_t inode() const override { return frame_.inode; }

    Freshness freshness() const override { return frame_.freshness; }

    NodeInfo info() override;

    bool is_costly_to_describe() const override { return is_made_on_request_; }

    NodePointer find(std::string_view name) override;
    void list(std::uint64_t first, const Visit& visit) override;

  private:
    NodeFrame frame_;
    std::function<std::shared_ptr<const Children>()> children_;
    bool is_made_on_request_ = false;
};

class TextFile : public Node {
  public:
    TextFile(NodeFrame frame,
             std::uint32_t mode,
             std::function<std::shared_ptr<const std::string>()> text)
        : frame_(frame),
          mode_(mode),
          text_(std::move(text)) {}

    model::FileType type() const override { return model::FileType::Regular; }

    std::uint64_t inode() const override { return frame_.inode; }

    Freshness freshness() const override { return frame_.freshness; }

    NodeInfo info() override;
    std::size_t read(std::uint64_t offset, std::span<std::byte> out) override;

  private:
    NodeFrame frame_;
    std::uint32_t mode_;
    std::function<std::shared_ptr<const std::string>()> text_;
};

class LinkNode : public Node {
  public:
    LinkNode(NodeFrame frame, std::string target) : frame_(frame), target_(std::move(target)) {}

    model::FileType type() const override { return model::FileType::Symlink; }

    std::uint64_t inode() const override { return frame_.inode; }

    Freshness freshness() const override { return frame_.freshness; }

    NodeInfo info() override;

  private:
    NodeFrame frame_;
    std::string target_;
};

/// Copies the part of `text` that begins at `offset`.
std::size_t copy_text(std::string_view text, std::uint64_t offset, std::span<std::byte> out);

}  // namespace backup::view
