// SPDX-License-Identifier: Apache-2.0
#include "core/restore/file_crew.hpp"

#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/restore/restore_volume.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/view/fake_node.hpp"

#include <atomic>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

using namespace backup;
using backup::testing::error_code_of;
using backup::testing::FakeNode;
using backup::testing::TempDir;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::shared_ptr<FakeNode> file(std::string text) {
    auto node = std::make_shared<FakeNode>(model::FileType::Regular, std::move(text));
    node->set_mtime(5 * kSecond);
    return node;
}

std::shared_ptr<FakeNode> directory() {
    auto node = std::make_shared<FakeNode>(model::FileType::Directory);
    node->set_mtime(7 * kSecond);
    return node;
}

std::int64_t mtime_of(const std::filesystem::path& path) {
    struct stat status {};

    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status.st_mtime;
}

restore::VolumeRestore overwriting() {
    restore::VolumeRestore options;
    options.options.overwrites = true;
    return options;
}

std::shared_ptr<FakeNode> wide_tree(int directories, int files) {
    const auto root = directory();
    for (int d = 0; d < directories; ++d) {
        const auto below = directory();
        for (int f = 0; f < files; ++f) {
            below->add("f" + std::to_string(f), file(std::to_string(d * files + f)));
        }
        root->add("d" + std::to_string(d), below);
    }
    return root;
}

}  // namespace

TEST_CASE("files that several threads write are all there and directories keep their times") {
    const TempDir target;
    const auto place = target / "new";
    const bool is_there = GENERATE(false, true);
    if (is_there) {
        target.write("new/d3/f5", "older");
        target.write("new/d3/other", "stays");
    }
    const auto result = restore::restore_volume_to_directory(
        wide_tree(40, 30), place, is_there ? overwriting() : restore::VolumeRestore{}, {});
    CHECK(result.problem_count == 0);
    CHECK(result.files == 1200);
    CHECK(result.directories == 40);
    for (int d = 0; d < 40; ++d) {
        const auto below = place / ("d" + std::to_string(d));
        CHECK(mtime_of(below) == 7);
        for (int f = 0; f < 30; ++f) {
            const auto name = below / ("f" + std::to_string(f));
            CHECK(as_text(read_file(name)) == std::to_string(d * 30 + f));
            CHECK(mtime_of(name) == 5);
        }
    }
    CHECK(mtime_of(place) == 7);
    CHECK(std::filesystem::exists(place / "d3/other") == is_there);
}

TEST_CASE("directories far above keep their times although files below come late") {
    const TempDir target;
    const auto root = directory();
    auto above = root;
    std::filesystem::path path = target / "new";
    std::vector<std::filesystem::path> paths = {path};
    for (int depth = 0; depth < 150; ++depth) {
        const auto next = directory();
        above->add("a", file("x"));
        above->add("b", next);
        above->add("c", file("y"));
        above = next;
        paths.push_back(path /= "b");
    }
    const auto result = restore::restore_volume_to_directory(root, target / "new", {}, {});
    CHECK(result.problem_count == 0);
    CHECK(result.files == 300);
    for (const auto& each : paths) {
        CHECK(mtime_of(each) == 7);
    }
}

TEST_CASE("a directory that is swapped for a link during the restore leads nowhere") {
    const TempDir target;
    const TempDir outside;
    const auto root = directory();
    const auto below = directory();
    std::atomic<bool> is_swapped = false;
    for (int i = 0; i < 400; ++i) {
        const auto node = file("text");
        node->on_read = [&] {
            if (!is_swapped.exchange(true)) {
                std::filesystem::rename(target / "new/d", target / "moved");
                std::filesystem::create_directory_symlink(outside.path(), target / "new/d");
            }
        };
        below->add("f" + std::to_string(i), node);
    }
    root->add("d", below);
    restore::restore_volume_to_directory(root, target / "new", overwriting(), {});
    CHECK(is_swapped);
    CHECK(std::filesystem::is_empty(outside.path()));
    CHECK(std::filesystem::exists(target / "moved/f399"));
}

TEST_CASE("one file that cannot be read is named and the others are there") {
    const TempDir target;
    const auto root = wide_tree(3, 100);
    const auto bad = file("never seen");
    bad->on_read = [] { throw Error(ErrorCode::CorruptData, "a damaged frame"); };
    root->add("bad", bad);
    const auto result = restore::restore_volume_to_directory(root, target / "new", {}, {});
    REQUIRE(result.problem_count == 1);
    CHECK(result.problems[0].subject == "bad");
    CHECK(result.files == 300);
    CHECK_FALSE(std::filesystem::exists(target / "new/bad"));
}

TEST_CASE("what ends the run comes out of it and leaves no half file") {
    const TempDir target;
    const auto root = wide_tree(3, 100);
    const auto bad = file("never seen");
    bad->on_read = [] { throw Error(ErrorCode::WrongKey, "not this repository"); };
    root->add("bad", bad);
    CHECK(error_code_of([&] {
              return restore::restore_volume_to_directory(root, target / "new", {}, {});
          }) == ErrorCode::WrongKey);
    CHECK_FALSE(std::filesystem::exists(target / "new/bad"));
}

TEST_CASE("a stopped restore ends, and no file is half written") {
    const TempDir target;
    const auto root = directory();
    std::stop_source stop;
    for (int i = 0; i < 1000; ++i) {
        const auto node = file("text");
        node->on_read = [&stop] { stop.request_stop(); };
        root->add("f" + std::to_string(i), node);
    }
    CHECK(error_code_of([&] {
              return restore::restore_volume_to_directory(
                  root, target / "new", {}, stop.get_token());
          }) == ErrorCode::Interrupted);
    std::size_t found = 0;
    for (const auto& each : std::filesystem::directory_iterator(target / "new")) {
        CHECK(std::filesystem::file_size(each) == 4);
        ++found;
    }
    CHECK(found < 1000);
}
