// SPDX-License-Identifier: Apache-2.0
#include "core/view/synthetic_nodes.hpp"

#include "core/base/bytes.hpp"
#include "core/view/inode_numbers.hpp"

#include <algorithm>

namespace backup::view {

using model::FileType;

NodeFrame NodeFrame::below(std::string_view name) const {
    auto frame = *this;
    frame.inode = make_synthetic_inode(inode, name);
    return frame;
}

model::FileEntry make_attributes(const NodeFrame& frame, FileType type, std::uint32_t mode) {
    model::FileEntry out;
    out.type = type;
    out.mode = mode;
    out.uid = frame.uid;
    out.gid = frame.gid;
    out.mtime_ns = frame.time_ns;
    out.ctime_ns = frame.time_ns;
    out.inode = frame.inode;
    return out;
}

SyntheticDirectory::SyntheticDirectory(NodeFrame frame, Children children)
    : frame_(frame),
      children_([kept = std::make_shared<const Children>(std::move(children))] { return kept; }) {}

NodeInfo SyntheticDirectory::info() {
    NodeInfo out{make_attributes(frame_, FileType::Directory, kDirectoryMode), 0};
    const auto children = children_();
    const auto directories =
        std::count_if(children->begin(), children->end(), [](const auto& child) {
            return child.second->is_directory();
        });
    out.attributes.link_count = static_cast<std::uint32_t>(2 + directories);
    return out;
}

NodePointer SyntheticDirectory::find(std::string_view name) {
    const auto children = children_();
    const auto at = std::lower_bound(
        children->begin(), children->end(), name, [](const auto& child, std::string_view wanted) {
            return child.first < wanted;
        });
    return at != children->end() && at->first == name ? at->second : nullptr;
}

void SyntheticDirectory::list(std::uint64_t first, const Visit& visit) {
    const auto children = children_();
    for (auto i = first; i < children->size(); ++i) {
        const auto& [name, node] = (*children)[i];
        if (!visit(name, node)) {
            return;
        }
    }
}

NodeInfo TextFile::info() {
    NodeInfo out{make_attributes(frame_, FileType::Regular, mode_), 0};
    out.attributes.size = text_()->size();
    out.allocated_bytes = out.attributes.size;
    return out;
}

std::size_t TextFile::read(std::uint64_t offset, std::span<std::byte> out) {
    return copy_text(*text_(), offset, out);
}

NodeInfo LinkNode::info() {
    constexpr std::uint32_t kLinkMode = 0777;
    NodeInfo out{make_attributes(frame_, FileType::Symlink, kLinkMode), 0};
    out.attributes.size = target_.size();
    out.attributes.link_target = target_;
    return out;
}

std::size_t copy_text(std::string_view text, std::uint64_t offset, std::span<std::byte> out) {
    if (offset >= text.size()) {
        return 0;
    }
    const auto piece = as_bytes(text.substr(offset, out.size()));
    std::copy(piece.begin(), piece.end(), out.begin());
    return piece.size();
}

}  // namespace backup::view
