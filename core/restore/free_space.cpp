// SPDX-License-Identifier: Apache-2.0
#include "core/restore/free_space.hpp"

#include "core/base/error.hpp"
#include "core/base/stop_on_signal.hpp"
#include "core/base/storage_kind.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "core/restore/copy_content.hpp"
#include "core/view/volume_files.hpp"
#include "core/view/walk.hpp"

#include <algorithm>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <unordered_set>

namespace backup::restore {

namespace {

// Numbers of files with several names that are remembered.
constexpr std::size_t kMostLinks = 1'000'000;

std::filesystem::path nearest_existing(std::filesystem::path path) {
    struct stat status {};

    while (::stat(path.c_str(), &status) != 0 && path.has_relative_path()) {
        path = path.parent_path();
    }
    return path;
}

std::uint64_t allocated_at(const std::filesystem::path& path) {
    constexpr std::uint64_t kBlock = 512;

    struct stat status {};

    return ::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1
               ? static_cast<std::uint64_t>(status.st_blocks) * kBlock
               : 0;
}

/// Adds up until it is too much.
class Measure {
  public:
    Measure(const std::filesystem::path& target, std::uint64_t free_bytes)
        : target_(target),
          free_bytes_(free_bytes) {}

    bool is_too_much() const { return bytes_ > free_bytes_; }

    std::uint64_t bytes() const { return bytes_; }

    /// Only what lies in volumes is large.
    view::Walk add(const std::string& path, view::Node& node) {
        if (const auto* file = dynamic_cast<const view::VolumeFile*>(&node)) {
            if (file->stated_bytes() <= free_bytes_) {
                return view::Walk::Past;
            }
            add_file(path, node);
        }
        return is_too_much() ? view::Walk::Stop : view::Walk::Into;
    }

  private:
    void add_file(const std::string& path, view::Node& node) {
        if (node.type() != model::FileType::Regular) {
            return;
        }
        view::NodeInfo info;
        const auto failure = failure_of([&] { info = node.info(); });
        if (failure && !concerns_one_file(*failure)) {
            throw Error(*failure);
        }
        if (failure || info.attributes.content_unreadable || is_known(info.attributes)) {
            return;
        }
        const auto bytes = std::min(info.allocated_bytes, info.attributes.size);
        const auto given_back = allocated_at(path.empty() ? target_ : target_ / path);
        const auto more = bytes - std::min(bytes, given_back);
        bytes_ += std::min(more, ~std::uint64_t{0} - bytes_);
    }

    bool is_known(const model::FileEntry& entry) {
        return entry.has_link_group && links_.size() < kMostLinks &&
               !links_.insert(entry.inode).second;
    }

    const std::filesystem::path& target_;
    const std::uint64_t free_bytes_;
    std::uint64_t bytes_ = 0;
    std::unordered_set<std::uint64_t> links_;
};

}  // namespace

std::optional<std::uint64_t> find_free_bytes(const std::filesystem::path& target) {
    const auto place = nearest_existing(target);

    struct statvfs room {};

    if (storage_kind_of(place) != StorageKind::Local || ::statvfs(place.c_str(), &room) != 0) {
        return std::nullopt;
    }
    // What is kept back for root is for whoever is root.
    const auto blocks = ::geteuid() == 0 ? room.f_bfree : room.f_bavail;
    return std::uint64_t{blocks} * std::uint64_t{room.f_frsize};
}

void check_room(const view::NodePointer& node,
                const std::filesystem::path& target,
                std::uint64_t free_bytes,
                const std::stop_token& stop) {
    Measure measure(target, free_bytes);
    // What is damaged is told of by the restore itself, file by file.
    const auto failure = failure_of([&] {
        if (measure.add({}, *node) == view::Walk::Into && node->is_directory()) {
            view::walk(node, [&](const std::string& path, const view::NodePointer& found) {
                throw_if_stopped(stop);
                return measure.add(path, *found);
            });
        }
    });
    if (failure && !concerns_one_file(*failure)) {
        throw Error(*failure);
    }
    if (measure.is_too_much()) {
        throw Error(ErrorCode::NoSpace,
                    concat("at least ",
                           format_size(measure.bytes()),
                           " are to be written, and ",
                           printable(target.string()),
                           " has room for ",
                           format_size(free_bytes)))
            .hint("nothing was written: make room, or take a place on another disk");
    }
}

void check_room(const view::NodePointer& node,
                const std::filesystem::path& target,
                const std::stop_token& stop) {
    if (const auto free_bytes = find_free_bytes(target)) {
        check_room(node, target, *free_bytes, stop);
    }
}

}  // namespace backup::restore
