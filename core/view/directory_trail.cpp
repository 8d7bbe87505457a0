// SPDX-License-Identifier: Apache-2.0
#include "core/view/directory_trail.hpp"

#include "core/base/error.hpp"
#include "core/view/volume_files.hpp"

#include <algorithm>

namespace backup::view {

namespace {

// A way of 4096 directories, each with 64 KiB of extended attributes.
constexpr std::uint64_t kMostBytes = 256U << 20U;

}  // namespace

void DirectoryTrail::enter(const Node& directory) {
    if (levels_.size() >= repository::kDeepestDirectory) {
        throw Error(ErrorCode::CorruptData, "directories are nested too deeply");
    }
    Level level{{}, directory.held_bytes()};
    if (bytes_ + level.bytes > kMostBytes) {
        throw Error(ErrorCode::CorruptData,
                    "the attributes of the directories above it are too long");
    }
    if (const auto* file = dynamic_cast<const VolumeFile*>(&directory)) {
        level.place = Key(file->entry().directory.page, file->entry().directory.slot);
        if (!keys_.insert(*level.place).second) {
            throw Error(ErrorCode::CorruptData, "the directory contains itself");
        }
        if (!is_in_volume()) {
            passed_ = passed_bytes_ = 0;
            most_ = file->most_entries();
        }
    }
    bytes_ += level.bytes;
    levels_.push_back(level);
}

bool DirectoryTrail::is_in_volume() const {
    return !levels_.empty() && levels_.back().place;
}

void DirectoryTrail::pass_entry() {
    if (is_in_volume() && ++passed_ > most_) {
        throw Error(ErrorCode::CorruptData,
                    "the volume holds more files and directories than the point's record says");
    }
}

void DirectoryTrail::pass_content(const Node& file, std::uint64_t size) {
    const auto* stored = dynamic_cast<const VolumeFile*>(&file);
    if (stored == nullptr) {
        return;
    }
    if (size > stored->most_bytes() - std::min(stored->most_bytes(), passed_bytes_)) {
        throw Error(ErrorCode::CorruptData,
                    "the volume holds more bytes than the point's record says");
    }
    passed_bytes_ += size;
}

void DirectoryTrail::leave() {
    const auto& level = levels_.back();
    if (level.place) {
        keys_.erase(*level.place);
    }
    bytes_ -= level.bytes;
    levels_.pop_back();
}

}  // namespace backup::view
