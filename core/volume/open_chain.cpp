// SPDX-License-Identifier: Apache-2.0
#include "core/volume/open_chain.hpp"

#include "core/volume/open_below.hpp"

#include <fcntl.h>

namespace backup::volume {

namespace {

/// What lies deeper is opened from here each time.
constexpr std::size_t kLevels = 32;

}  // namespace

int OpenChain::open(std::string_view path) {
    deep_.close();
    int directory = root_;
    std::size_t depth = 0;
    while (!path.empty() && depth < kLevels) {
        const std::size_t slash = path.find('/');
        const std::string_view name = path.substr(0, slash);
        if (depth == levels_.size() || levels_[depth].name != name) {
            levels_.resize(depth);
            FileDescriptor opened = open_below(directory, name, O_PATH | O_DIRECTORY);
            if (!opened) {
                return -1;
            }
            levels_.push_back({std::string(name), std::move(opened)});
        }
        directory = levels_[depth++].directory.get();
        path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    }
    if (path.empty()) {
        return directory;
    }
    deep_ = open_below(directory, path, O_PATH | O_DIRECTORY);
    return deep_ ? deep_.get() : -1;
}

}  // namespace backup::volume
