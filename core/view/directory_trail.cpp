// SPDX-License-Identifier: Apache-2.0
#include "core/view/directory_trail.hpp"

#include "core/base/error.hpp"
#include "core/view/volume_files.hpp"

namespace backup::view {

namespace {

// A backup goes 4096 directories deep (docs/mover.md); above a volume there are a few more.
constexpr std::size_t kDeepest = 4096 + 8;

}  // namespace

void DirectoryTrail::enter(const Node& directory) {
    if (levels_.size() >= kDeepest) {
        throw Error(ErrorCode::CorruptData, "directories are nested too deeply");
    }
    std::optional<Key> key;
    if (const auto* file = dynamic_cast<const VolumeFile*>(&directory)) {
        const auto& place = file->entry().directory;
        key = Key(place.page, place.slot);
        if (!keys_.insert(*key).second) {
            throw Error(ErrorCode::CorruptData, "the directory contains itself");
        }
    }
    levels_.push_back(key);
}

void DirectoryTrail::leave() {
    if (const auto& key = levels_.back()) {
        keys_.erase(*key);
    }
    levels_.pop_back();
}

}  // namespace backup::view
