// SPDX-License-Identifier: Apache-2.0
// Files and directories of a view that are nowhere stored.
#pragma once

#include "core/view/node.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace backup::testing {

class FakeNode : public view::Node {
  public:
    explicit FakeNode(model::FileType type, std::string text = {}) : text_(std::move(text)) {
        info_.attributes.type = type;
        info_.attributes.mode = 0700;
        info_.attributes.uid = ::getuid();
        info_.attributes.gid = ::getgid();
        info_.attributes.size = text_.size();
    }

    model::FileType type() const override { return info_.attributes.type; }

    std::uint64_t inode() const override { return 7; }

    view::NodeInfo info() override { return info_; }

    void list(std::uint64_t first, const Visit& visit) override {
        for (auto i = first; i < children.size(); ++i) {
            if (!visit(children[i].first, children[i].second)) {
                return;
            }
        }
    }

    std::size_t read(std::uint64_t offset, std::span<std::byte> out) override {
        if (on_read) {
            on_read();
        }
        const auto bytes = as_bytes(text_).subspan(offset, out.size());
        std::copy(bytes.begin(), bytes.end(), out.begin());
        return bytes.size();
    }

    std::optional<std::uint64_t> seek_data(std::uint64_t offset) override { return offset; }

    std::uint64_t seek_hole(std::uint64_t) override { return text_.size(); }

    void set_mtime(std::int64_t mtime_ns) { info_.attributes.mtime_ns = mtime_ns; }

    void share_as(std::uint64_t source_inode) {
        info_.attributes.has_link_group = true;
        info_.attributes.link_count = 2;
        info_.attributes.inode = source_inode;
    }

    void lose_content() { info_.attributes.content_unreadable = true; }

    void add(const std::string& name, const view::NodePointer& node) {
        children.emplace_back(name, node);
    }

    std::vector<std::pair<std::string, view::NodePointer>> children;
    std::function<void()> on_read;

  private:
    std::string text_;
    view::NodeInfo info_;
};

}  // namespace backup::testing
