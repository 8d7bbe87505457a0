// SPDX-License-Identifier: Apache-2.0
#include "fuse/mount_point.hpp"

#include "core/base/file_descriptor.hpp"
#include "core/base/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/temp_dir.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace backup::testing {
namespace {

namespace fs = std::filesystem;

struct World {
    TempDir home;
    fs::path repository = home.path() / "repository";
    fs::path directory = home.path() / "mnt";

    World() {
        fs::create_directories(repository / "packs");
        fs::create_directory(directory);
    }

    std::string refusal(const fs::path& place, const fs::path& of, ErrorCode code) const {
        const auto error = error_of([&] { return fuse::check_mount_point(place, of); });
        CHECK(error.code() == code);
        CHECK_FALSE(error.hint().empty());
        return error.message() + "; " + std::string(error.hint());
    }

    std::string busy(const fs::path& place) const {
        return refusal(place, repository, ErrorCode::MountPointBusy);
    }
};

TEST_CASE("an empty directory is taken, by its real path") {
    const World world;
    const auto real = fs::canonical(world.directory);
    CHECK(fuse::check_mount_point(world.directory, world.repository) == real);
    CHECK(fuse::check_mount_point(world.directory / ".." / "mnt" / "", {}) == real);
    fs::create_directory_symlink(world.directory, world.home.path() / "link");
    CHECK(fuse::check_mount_point(world.home.path() / "link", world.repository) == real);
    // A name that only begins like the repository's.
    fs::create_directory(world.home.path() / "repository-mnt");
    CHECK_NOTHROW(fuse::check_mount_point(world.home.path() / "repository-mnt", world.repository));
    CHECK_NOTHROW(fuse::check_mount_point(world.directory, world.home.path() / "none"));
}

TEST_CASE("what is missing or in use is refused with a way out") {
    const World world;
    CHECK_THAT(world.refusal(world.home.path() / "none", world.repository, ErrorCode::MountFailed),
               contains("mkdir -p"));
    write_file_atomically(world.home.path() / "file", {});
    CHECK_THAT(world.busy(world.home.path() / "file"), contains("not a directory"));
    write_file_atomically(world.directory / "file", {});
    CHECK_THAT(world.busy(world.directory), contains("not empty"));
    CHECK_THAT(world.refusal(world.home.path() / "file" / "below", {}, ErrorCode::MountFailed),
               contains("Not a directory"));
}

TEST_CASE("a directory that overlaps the repository is refused") {
    const World world;
    const auto inside = world.repository / "packs";
    CHECK_THAT(world.busy(inside), contains("overlaps the repository"));
    CHECK_THAT(world.busy(world.repository), contains("overlaps the repository"));
    CHECK_THAT(world.busy(world.home.path()), contains("overlaps the repository"));
    fs::create_directory_symlink(inside, world.home.path() / "link");
    CHECK_THAT(world.busy(world.home.path() / "link"), contains("overlaps the repository"));
    fs::create_directory_symlink(world.repository, world.home.path() / "other-name");
    CHECK_THAT(world.refusal(inside, world.home.path() / "other-name", ErrorCode::MountPointBusy),
               contains("overlaps the repository"));
}

TEST_CASE("the device of a mount is found without asking it") {
    struct stat facts {};

    REQUIRE(::stat("/proc", &facts) == 0);
    CHECK(fuse::find_mounted_device("/proc") ==
          concat(major(facts.st_dev), ":", minor(facts.st_dev)));
    const World world;
    CHECK_FALSE(fuse::find_mounted_device(world.directory));
    CHECK_FALSE(fuse::find_mounted_device(world.home.path() / "none"));
}

}  // namespace
}  // namespace backup::testing
