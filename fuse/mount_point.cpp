// SPDX-License-Identifier: Apache-2.0
#include "fuse/mount_point.hpp"

#include "core/base/error.hpp"
#include "core/base/mount_table.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <string_view>
#include <system_error>

namespace backup::fuse {

namespace {

bool is_inside(const std::filesystem::path& path, const std::filesystem::path& folder) {
    const auto [rest_of_folder, rest_of_path] =
        std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
    return rest_of_folder == folder.end();
}

Error busy(const std::filesystem::path& directory, std::string_view reason) {
    return {ErrorCode::MountPointBusy,
            concat("cannot mount on ", directory.string(), ": ", reason)};
}

/// The kernel may still know what the directory was like: any step can be the first that fails.
[[noreturn]] void fail(const std::filesystem::path& directory, const std::error_code& problem) {
    if (problem == std::errc::not_connected) {
        throw busy(directory, "a mount there has lost its daemon")
            .hint(concat("remove it first: fusermount3 -u ", directory.string()));
    }
    if (problem == std::errc::no_such_file_or_directory) {
        throw Error(ErrorCode::MountFailed, concat("there is no directory ", directory.string()))
            .hint(concat("make it first: mkdir -p ", directory.string()));
    }
    throw Error(ErrorCode::MountFailed,
                concat("cannot mount on ", directory.string(), ": ", problem.message()));
}

void check_overlap(const std::filesystem::path& mount_point,
                   const std::filesystem::path& repository) {
    std::error_code problem;
    const auto place = std::filesystem::weakly_canonical(repository, problem);
    if (!problem && (is_inside(mount_point, place) || is_inside(place, mount_point))) {
        throw busy(mount_point, concat("it overlaps the repository ", place.string()))
            .hint("choose a directory outside the repository");
    }
}

}  // namespace

std::filesystem::path check_mount_point(const std::filesystem::path& directory,
                                        const std::filesystem::path& repository) {
    std::error_code problem;
    const auto absolute = std::filesystem::canonical(directory, problem);
    if (problem) {
        fail(directory, problem);
    }
    const auto status = std::filesystem::status(absolute, problem);
    if (problem) {
        fail(directory, problem);
    }
    if (status.type() != std::filesystem::file_type::directory) {
        throw busy(directory, "it is not a directory");
    }
    if (!repository.empty()) {
        check_overlap(absolute, repository);
    }
    const bool is_empty = std::filesystem::is_empty(absolute, problem);
    if (problem) {
        fail(directory, problem);
    }
    if (!is_empty) {
        throw busy(directory, "it is not empty");
    }
    return absolute;
}

std::optional<std::string> find_mounted_device(const std::filesystem::path& mount_point) {
    const auto mount = find_mount(read_mount_table(), mount_point);
    return mount ? std::optional(mount->device) : std::nullopt;
}

}  // namespace backup::fuse
