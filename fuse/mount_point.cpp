// SPDX-License-Identifier: Apache-2.0
#include "fuse/mount_point.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <cerrno>
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

}  // namespace

std::filesystem::path check_mount_point(const std::filesystem::path& directory,
                                        const std::filesystem::path& repository) {
    std::error_code problem;
    const auto status = std::filesystem::status(directory, problem);
    if (problem == std::errc::not_connected) {
        throw busy(directory, "a mount there has lost its daemon")
            .hint(concat("remove it first: fusermount3 -u ", directory.string()));
    }
    if (status.type() == std::filesystem::file_type::not_found) {
        throw Error(ErrorCode::MountFailed, concat("there is no directory ", directory.string()))
            .hint(concat("make it first: mkdir -p ", directory.string()));
    }
    if (status.type() != std::filesystem::file_type::directory) {
        throw busy(directory, "it is not a directory");
    }
    const auto absolute = std::filesystem::canonical(directory, problem);
    if (problem) {
        throw system_error(problem.value(), concat("mount on ", directory.string()));
    }
    if (!repository.empty()) {
        const auto place = std::filesystem::weakly_canonical(repository, problem);
        if (!problem && (is_inside(absolute, place) || is_inside(place, absolute))) {
            throw busy(directory, concat("it overlaps the repository ", place.string()))
                .hint("choose a directory outside the repository");
        }
    }
    const bool is_empty = std::filesystem::is_empty(absolute, problem);
    if (problem) {
        throw system_error(problem.value(), concat("look into ", directory.string()));
    }
    if (!is_empty) {
        throw busy(directory, "it is not empty");
    }
    return absolute;
}

}  // namespace backup::fuse
