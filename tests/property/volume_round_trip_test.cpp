// SPDX-License-Identifier: Apache-2.0
// What goes into a recovery point comes out again: all kinds of files with all their attributes, by
// every way a volume can take.
#include "core/base/file_descriptor.hpp"
#include "core/base/task_group.hpp"
#include "core/capture/capture_volume.hpp"
#include "core/capture/import_directory.hpp"
#include "core/restore/restore_volume.hpp"
#include "core/view/point_files.hpp"
#include "core/view/walk.hpp"
#include "core/volume/descriptor_stream.hpp"
#include "core/volume/serve_mover.hpp"
#include "core/volume/stream_channel.hpp"
#include "tests/property/random_files.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/test_repository.hpp"

#include <array>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace backup;
using backup::testing::FakeClock;
using backup::testing::make_random_files;
using backup::testing::SeededRandom;
using backup::testing::state_of;
using backup::testing::TempDir;
using backup::testing::TreeState;

namespace {

struct Fixture {
    Fixture()
        : repository(backup::testing::open_tiny_repository(
              backend, backup::testing::init_tiny_repository(backend, random, clock))),
          chunks(repository) {}

    capture::ImportedDirectory import(const std::filesystem::path& path, const std::string& name) {
        capture::DirectoryImport options;
        options.path = path.string();
        options.name_space = "shop";
        options.claim = "data";
        options.point.name = name;
        auto imported = capture::import_directory({repository, chunks, random, clock}, options, {});
        chunks.refresh();
        return imported;
    }

    view::NodePointer volume_of(const repository::PointRecord& record) {
        return view::get_path(view::open_point(chunks, record), "namespaces/shop/volumes/data");
    }

    std::size_t points() const { return repository::list_points(repository).size(); }

    SeededRandom random;
    // Ahead of the times the tests' files get: none of them is too young to be trusted.
    FakeClock clock{"2099-01-01T00:00:00Z"};
    backend::MemoryBackend backend;
    repository::Repository repository;
    repository::ChunkStore chunks;
};

TreeState restored(Fixture& fixture, const repository::PointRecord& record) {
    const TempDir target;
    const auto result =
        restore::restore_volume_to_directory(fixture.volume_of(record), target.path(), {}, {});
    for (const Problem& problem : result.problems) {
        FAIL_CHECK(problem.subject << ": " << problem.message);
    }
    return state_of(target.path());
}

void check_equal(const TreeState& before, const TreeState& after) {
    for (const auto& [path, state] : before) {
        INFO(path);
        const auto found = after.find(path);
        REQUIRE(found != after.end());
        CHECK(found->second == state);
    }
    CHECK(before.size() == after.size());
}

}  // namespace

TEST_CASE("a directory comes back as it was") {
    Fixture fixture;
    for (int round = 0; round < 12; ++round) {
        const TempDir source;
        make_random_files(source.path(), fixture.random);
        const TreeState before = state_of(source.path());
        const auto imported = fixture.import(source.path(), "point-" + std::to_string(round));
        CHECK(imported.volume.files_unreadable == 0);
        CHECK(imported.volume.files_changed == 0);
        CHECK(imported.record.point.status == model::PointStatus::Complete);
        check_equal(before, restored(fixture, imported.record));
    }
}

TEST_CASE("what did not change is not read again, and what did is") {
    Fixture fixture;
    const TempDir source;
    make_random_files(source.path(), fixture.random);
    source.write("changes", std::string(30'000, 'a'));
    const auto first = fixture.import(source.path(), "first");
    const auto second = fixture.import(source.path(), "second");
    CHECK(first.volume.bytes_read > 0);
    CHECK(second.volume.bytes_read == 0);
    CHECK(second.volume.bytes_sent == 0);
    CHECK(second.record.root == first.record.root);
    CHECK(second.record.point.previous == first.record.point.id);
    check_equal(state_of(source.path()), restored(fixture, second.record));

    source.write("changes", std::string(30'001, 'b'));
    const auto third = fixture.import(source.path(), "third");
    CHECK(third.volume.bytes_read == 30'001);
    check_equal(state_of(source.path()), restored(fixture, third.record));
}

TEST_CASE("a file whose times are too young to be trusted is read again") {
    Fixture fixture;
    const TempDir source;
    source.write("young", std::string(2'000, 'a'));
    SystemClock system;
    capture::DirectoryImport options;
    options.path = source.path().string();
    options.name_space = "shop";
    options.claim = "data";

    // A clock that stands where the file was made: it is the same moment for ever.
    struct stat status {};

    REQUIRE(::stat((source / "young").c_str(), &status) == 0);
    FakeClock now(format_rfc3339(TimePoint(std::chrono::seconds(status.st_ctim.tv_sec))));
    const capture::ImportContext context{fixture.repository, fixture.chunks, fixture.random, now};
    options.point.name = "first";
    capture::import_directory(context, options, {});
    fixture.chunks.refresh();
    options.point.name = "second";
    const auto second = capture::import_directory(context, options, {});
    CHECK(second.volume.bytes_read == 2'000);
    CHECK(second.volume.bytes_sent == 0);
}

TEST_CASE("an image of a block device comes back with its holes") {
    Fixture fixture;
    const TempDir source;
    const auto image = source.write("image", "");
    {
        const FileDescriptor file = open_file(image, O_WRONLY);
        pwrite_all(file.get(), fixture.random.bytes(50'000), 0, "image");
        pwrite_all(file.get(), fixture.random.bytes(9'000), 3'000'000, "image");
        REQUIRE(::ftruncate(file.get(), 5'000'000) == 0);
    }
    capture::DirectoryImport options;
    options.path = image.string();
    options.is_block_device = true;
    options.name_space = "shop";
    options.claim = "disk";
    options.point.name = "image";
    const auto imported = capture::import_directory(
        {fixture.repository, fixture.chunks, fixture.random, fixture.clock}, options, {});
    fixture.chunks.refresh();
    CHECK(imported.volume.bytes == 5'000'000);
    const auto node = view::get_path(view::open_point(fixture.chunks, imported.record),
                                     "namespaces/shop/volumes/disk.img");
    const auto target = source / "restored";
    restore::restore_image(node, target, {}, {});
    CHECK(read_file(target) == read_file(image));

    struct stat status {};

    REQUIRE(::stat(target.c_str(), &status) == 0);
    CHECK(status.st_blocks * 512 < 1'000'000);
}

TEST_CASE("one file and one directory come back under any name") {
    Fixture fixture;
    const TempDir source;
    source.write("d/a", "text");
    source.write("d/b", "more");
    const auto imported = fixture.import(source.path(), "point");
    const auto volume = fixture.volume_of(imported.record);
    const TempDir target;
    restore::copy_to_local(view::get_path(volume, "d/a"), target / "copy", {}, {});
    CHECK(read_file(target / "copy") == to_bytes(as_bytes("text")));
    restore::copy_to_local(view::get_path(volume, "d"), target / "tree", {}, {});
    CHECK(read_file(target / "tree/b") == to_bytes(as_bytes("more")));
    CHECK(backup::testing::error_code_of([&] {
              return restore::copy_to_local(view::get_path(volume, "d/b"), target / "copy", {}, {});
          }) == ErrorCode::AlreadyExists);
    restore::VolumeRestore overwrite;
    overwrite.options.overwrites = true;
    restore::copy_to_local(view::get_path(volume, "d/b"), target / "copy", overwrite, {});
    CHECK(read_file(target / "copy") == to_bytes(as_bytes("more")));
}

TEST_CASE("a tree goes through a mover into a directory as it was") {
    Fixture fixture;
    for (int round = 0; round < 4; ++round) {
        const TempDir source;
        make_random_files(source.path(), fixture.random);
        const auto imported = fixture.import(source.path(), "point-" + std::to_string(round));
        const TempDir target;
        auto ends = volume::make_local_channels();
        TaskGroup mover;
        mover.start([&](const std::stop_token& stop) {
            volume::serve_mover(*ends.mover, fixture.clock, stop);
        });
        volume::WriteTask task;
        task.path = target.path().string();
        const auto result = restore::restore_volume_to_mover(
            fixture.volume_of(imported.record), *ends.client, task, nullptr, {});
        mover.wait();
        CHECK(result.problems.empty());
        check_equal(state_of(source.path()), state_of(target.path()));
    }
}
