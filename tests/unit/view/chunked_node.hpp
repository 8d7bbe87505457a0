// SPDX-License-Identifier: Apache-2.0
// A file of a view whose content lies in chunks, and which remembers how it was read.
#pragma once

#include "tests/unit/view/fake_node.hpp"

#include <algorithm>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace backup::testing {

class ChunkedNode : public FakeNode {
  public:
    ChunkedNode(std::string text, std::vector<std::uint64_t> ends)
        : FakeNode(model::FileType::Regular, std::move(text)),
          ends_(std::move(ends)) {}

    std::uint64_t piece_end(std::uint64_t offset) override {
        const auto end = std::upper_bound(ends_.begin(), ends_.end(), offset);
        return end == ends_.end() ? offset : *end;
    }

    std::size_t read(std::uint64_t offset, std::span<std::byte> out) override {
        if (!out.empty()) {
            const std::scoped_lock lock(mutex_);
            read_to_.push_back(offset + out.size());
            is_in_order_ = is_in_order_ && offset == (read_to_.size() > 1 ? read_to_.end()[-2] : 0);
        }
        return FakeNode::read(offset, out);
    }

    /// From its beginning to its end, each chunk at once.
    bool was_read_by_chunks() {
        const std::scoped_lock lock(mutex_);
        return is_in_order_ && read_to_ == ends_;
    }

  private:
    std::vector<std::uint64_t> ends_;
    std::mutex mutex_;
    std::vector<std::uint64_t> read_to_;
    bool is_in_order_ = true;
};

/// `size` bytes in chunks of up to 4 MiB whose ends fit to nothing.
inline std::shared_ptr<ChunkedNode> make_chunked_node(std::uint64_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < text.size(); ++i) {
        text[i] = static_cast<char>(i % 251);
    }
    std::vector<std::uint64_t> ends;
    for (std::uint64_t end = 0; end < size;) {
        end = std::min(size, end + 1 + (ends.size() * 1'234'567) % (4U << 20U));
        ends.push_back(end);
    }
    return std::make_shared<ChunkedNode>(std::move(text), std::move(ends));
}

}  // namespace backup::testing
