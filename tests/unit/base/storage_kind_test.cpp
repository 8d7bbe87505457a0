// SPDX-License-Identifier: Apache-2.0
#include "core/base/storage_kind.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace backup;

TEST_CASE("the file system that a file lies on") {
    const testing::TempDir directory;
    CHECK(storage_kind_of(directory.path()) != StorageKind::Unknown);
    CHECK(storage_kind_of(directory.path() / "missing") == StorageKind::Unknown);
    CHECK(storage_kind_of("/proc/self/mounts") == StorageKind::Local);
}
