// SPDX-License-Identifier: Apache-2.0
// Keeps the directories on the way to the last one open: those that follow are mostly near it.
#pragma once

#include "core/base/file_descriptor.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace backup::volume {

class OpenChain {
  public:
    /// `root` must stay open.
    explicit OpenChain(int root) : root_(root) {}

    /// A descriptor (O_PATH) of the directory at `path` below the root, as open_below gives it; it
    /// stays open until the next call. Negative when it cannot be opened, errno says why.
    int open(std::string_view path);

  private:
    struct Level {
        std::string name;
        FileDescriptor directory;
    };

    int root_;
    FileDescriptor deep_;
    std::vector<Level> levels_;
};

}  // namespace backup::volume
