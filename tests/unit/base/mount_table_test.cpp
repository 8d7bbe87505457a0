// SPDX-License-Identifier: Apache-2.0
#include "core/base/mount_table.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace backup;

TEST_CASE("mounts are read as the kernel writes them") {
    const auto table = parse_mount_table(
        "24 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "90 24 0:50 / /mnt/my\\040backups rw,nosuid - fuse.kubectl-backup kubectl-backup ro\n"
        "91 24 0:51 / /a rw shared:2 master:3 - tmpfs a\\134b rw\n"
        "nonsense\n"
        "1 2 3:4 / /short - x\n");
    REQUIRE(table.size() == 3);
    CHECK(table[0] == MountEntry{"8:1", "/", "ext4", "/dev/sda1"});
    CHECK(table[1].point == "/mnt/my backups");
    CHECK(table[1].type == "fuse.kubectl-backup");
    CHECK(table[2].source == "a\\b");
}

TEST_CASE("the mount that covers the others is found") {
    const std::vector<MountEntry> table = {{"8:1", "/a", "ext4", "x"}, {"0:3", "/a", "tmpfs", "y"}};
    CHECK(find_mount(table, "/a")->type == "tmpfs");
    CHECK_FALSE(find_mount(table, "/b").has_value());
}

TEST_CASE("a mount point is named as the kernel knows it, without touching it") {
    const backup::testing::TempDir directory;
    const auto real = directory.write("real/point/file", "").parent_path();
    std::filesystem::create_directory_symlink(directory / "real", directory / "link");
    const auto expected = std::filesystem::canonical(real);
    CHECK(mount_point_path(directory / "link/point") == expected);
    CHECK(mount_point_path(directory / "link/point/") == expected);
    CHECK(mount_point_path(directory / "link/./x/../point") == expected);
}

TEST_CASE("this process has mounts") {
    CHECK(find_mount(read_mount_table(), "/").has_value());
}
