// SPDX-License-Identifier: Apache-2.0
#include "core/restore/free_space.hpp"

#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/repository/page_codec.hpp"
#include "core/repository/page_encoder.hpp"
#include "core/repository/tree_reader.hpp"
#include "core/restore/restore_volume.hpp"
#include "core/view/view_state.hpp"
#include "core/view/volume_files.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/repository_tree/memory_pages.hpp"
#include "tests/unit/view/fake_node.hpp"

#include <fcntl.h>
#include <filesystem>
#include <limits>
#include <unistd.h>

using namespace backup;
using namespace backup::repository;
using backup::testing::contains;
using backup::testing::error_code_of;
using backup::testing::error_of;
using backup::testing::FakeNode;
using backup::testing::MemoryPages;
using backup::testing::MemorySource;
using backup::testing::TempDir;

namespace {

constexpr std::uint64_t kChunkBytes = 10'000;
constexpr std::uint64_t kMuch = std::uint64_t{1} << 60U;

content::ShortId id_of(std::uint8_t number) {
    content::ShortId id;
    id.bytes.fill(std::byte{number});
    return id;
}

/// A volume whose files all name the same chunk.
struct Volume {
    MemoryPages pages;
    std::vector<EntryDraft> entries;
    std::uint64_t stated_bytes = kMuch;
    std::uint64_t most_bytes = std::numeric_limits<std::uint64_t>::max();

    EntryDraft& add(const std::string& name, std::uint64_t hole_bytes = 0) {
        EntryDraft draft;
        draft.attributes.name = name;
        draft.attributes.type = model::FileType::Regular;
        draft.attributes.mode = 0600;
        draft.attributes.uid = ::getuid();
        draft.attributes.gid = ::getgid();
        draft.attributes.size = hole_bytes + kChunkBytes;
        if (hole_bytes != 0) {
            draft.content.extents.push_back({{}, hole_bytes});
        }
        draft.content.extents.push_back({id_of(9), draft.attributes.size});
        return entries.emplace_back(std::move(draft));
    }

    view::NodePointer root() {
        pages.chunks[id_of(9)] = Bytes(kChunkBytes, std::byte{'x'});
        DirectoryDraft draft;
        draft.all_entries = entries.size();
        draft.entries = entries;
        pages.chunks[id_of(1)] = encode_page({&draft});
        auto part = std::make_shared<view::TreePart>();
        part->number = 1;
        part->stated_bytes = stated_bytes;
        part->most_bytes = most_bytes;
        part->reader = std::make_shared<TreeReader>(std::make_shared<MemorySource>(pages),
                                                    DirectoryRef{id_of(1), 0},
                                                    std::vector<content::ShortId>{});
        TreeEntry top;
        top.attributes.name = "v";
        top.attributes.type = model::FileType::Directory;
        top.attributes.mode = 0700;
        top.attributes.uid = ::getuid();
        top.attributes.gid = ::getgid();
        top.directory = {id_of(1), 0};
        part->root = top;
        return std::make_shared<view::VolumeFile>(part, top);
    }
};

bool fits(const view::NodePointer& node,
          std::uint64_t free_bytes,
          const std::filesystem::path& target = "/nonexistent/target") {
    try {
        restore::check_room(node, target, free_bytes, {});
        return true;
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::NoSpace);
        return false;
    }
}

restore::VolumeRestore overwriting() {
    restore::VolumeRestore options;
    options.options.overwrites = true;
    return options;
}

}  // namespace

TEST_CASE("files are added up without their holes, a file with two names once") {
    Volume volume;
    volume.add("a");
    volume.add("b", std::uint64_t{1} << 40U);
    for (const auto* name : {"c", "d"}) {
        auto& link = volume.add(name);
        link.attributes.has_link_group = true;
        link.attributes.link_count = 2;
        link.attributes.inode = 77;
    }
    volume.add("e").attributes.content_unreadable = true;
    CHECK(fits(volume.root(), 3 * kChunkBytes));
    CHECK_FALSE(fits(volume.root(), 3 * kChunkBytes - 1));
    const auto error = error_of([&] {
        restore::check_room(volume.root(), "/srv/target", 4096, {});
        return 0;
    });
    CHECK_THAT(error.what(), contains("/srv/target"));
    CHECK_THAT(error.what(), contains("4.0 KiB"));
    CHECK_THAT(std::string(error.hint()), contains("nothing was written"));
    CHECK(fits(volume.root()->find("b"), kChunkBytes));
    CHECK_FALSE(fits(volume.root()->find("b"), kChunkBytes - 1));
}

TEST_CASE("a volume of a point that fits as a whole is not gone through") {
    Volume volume;
    volume.add("a");
    volume.stated_bytes = 4096;
    const auto root = volume.root();
    const auto before = volume.pages.chunks.size();
    volume.pages.chunks.clear();
    CHECK(before == 2);
    CHECK(fits(root, 4096));
    // What cannot be listed is no matter of room.
    CHECK(fits(root, 4095));
}

TEST_CASE("a file gives its room to the one that takes its place") {
    Volume volume;
    volume.add("a");
    volume.add("b");
    const TempDir target;
    const auto file = open_file(target / "a", O_WRONLY | O_CREAT, 0600);
    write_all(file.get(), Bytes(100'000, std::byte{'o'}), "a");
    REQUIRE(::fsync(file.get()) == 0);
    CHECK(fits(volume.root(), kChunkBytes, target.path()));
    CHECK_FALSE(fits(volume.root(), kChunkBytes - 1, target.path()));
    CHECK(fits(volume.root()->find("a"), 0, target / "a"));
    // Its other name keeps it.
    std::filesystem::create_hard_link(target / "a", target / "z");
    CHECK_FALSE(fits(volume.root(), kChunkBytes, target.path()));
}

TEST_CASE("who stops does not wait for the sum") {
    Volume volume;
    volume.add("a");
    std::stop_source stop;
    stop.request_stop();
    CHECK(error_code_of([&] {
              restore::check_room(volume.root(), "/srv", 1, stop.get_token());
              return 0;
          }) == ErrorCode::Interrupted);
}

TEST_CASE("what is not of a volume is not measured") {
    const auto directory = std::make_shared<FakeNode>(model::FileType::Directory);
    directory->add("pod.yaml", std::make_shared<FakeNode>(model::FileType::Regular, "text"));
    CHECK(fits(directory, 0));
    Volume volume;
    volume.add("a");
    directory->add("data", volume.root());
    CHECK_FALSE(fits(directory, 0));
}

TEST_CASE("a place that is not there yet is asked for through what is above it") {
    const TempDir target;
    CHECK(restore::find_free_bytes(target / "a/b/c").has_value() ==
          restore::find_free_bytes(target.path()).has_value());
}

TEST_CASE("files that are longer together than the point says end the restore") {
    Volume volume;
    for (int i = 0; i < 50; ++i) {
        volume.add("f" + std::to_string(100 + i));
    }
    volume.stated_bytes = 0;
    volume.most_bytes = 20 * kChunkBytes;
    const TempDir target;
    const auto error = error_of([&] {
        return restore::restore_volume_to_directory(volume.root(), target / "new", {}, {});
    });
    CHECK(error.code() == ErrorCode::CorruptData);
    CHECK_THAT(error.what(), contains("more bytes"));
    CHECK_THAT(error.what(), contains("f120"));
    CHECK_FALSE(std::filesystem::exists(target / "new/f121"));
    volume.most_bytes = 50 * kChunkBytes;
    CHECK(restore::restore_volume_to_directory(volume.root(), target / "all", {}, {}).files == 50);
}

TEST_CASE("one file that is longer than the point says is not written, nor an image") {
    Volume volume;
    volume.add("a", kMuch);
    volume.stated_bytes = 0;
    volume.most_bytes = kMuch;
    const TempDir target;
    const auto node = volume.root()->find("a");
    CHECK(error_code_of([&] {
              return restore::copy_to_local(node, target / "a", overwriting(), {});
          }) == ErrorCode::CorruptData);
    CHECK(error_code_of([&] { return restore::restore_image(node, target / "image", {}, {}); }) ==
          ErrorCode::CorruptData);
    CHECK_FALSE(std::filesystem::exists(target / "a"));
    CHECK_FALSE(std::filesystem::exists(target / "image"));
}
