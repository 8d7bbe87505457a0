// SPDX-License-Identifier: Apache-2.0
#include "core/volume/directory_sink.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/file_size_limit.hpp"
#include "tests/support/temp_dir.hpp"

#include <sys/stat.h>
#include <unistd.h>

using namespace backup;
using namespace backup::volume;
using backup::testing::error_code_of;
using backup::testing::FileSizeLimit;
using backup::testing::TempDir;

namespace {

model::FileEntry entry(std::string name, model::FileType type, std::uint32_t mode = 0644) {
    model::FileEntry made;
    made.name = std::move(name);
    made.type = type;
    made.mode = mode;
    made.uid = ::getuid();
    made.gid = ::getgid();
    made.mtime_ns = 1'000'000'000;
    return made;
}

model::FileEntry directory(std::string name = {}) {
    return entry(std::move(name), model::FileType::Directory, 0755);
}

void put(TreeSink& sink, const std::string& name, std::string_view content) {
    sink.begin_file(entry(name, model::FileType::Regular));
    sink.write(as_bytes(content));
    sink.end_file();
}

std::string text_of(const std::filesystem::path& path) {
    return std::string(as_text(read_file(path)));
}

SinkOptions overwriting() {
    SinkOptions options;
    options.overwrites = true;
    return options;
}

std::size_t count_in(const std::filesystem::path& path) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path),
                                                  std::filesystem::directory_iterator()));
}

}  // namespace

TEST_CASE("a target that is not empty is refused unless files may be overwritten") {
    const TempDir target;
    target.write("there", "old");
    CHECK(error_code_of([&] {
              DirectorySink(open_target_directory(target.path()), "t", {});
              return 0;
          }) == ErrorCode::AlreadyExists);
    CHECK_NOTHROW(DirectorySink(open_target_directory(target.path()), "t", overwriting()));
}

TEST_CASE("files are replaced at once and others stay") {
    const TempDir target;
    target.write("a", "old");
    target.write("d/keep", "kept");
    DirectorySink sink(open_target_directory(target.path()), "t", overwriting());
    sink.begin_directory(directory());
    sink.begin_file(entry("a", model::FileType::Regular));
    sink.write(as_bytes("ne"));
    CHECK(text_of(target / "a") == "old");
    sink.write(as_bytes("w"));
    sink.end_file();
    sink.begin_directory(directory("d"));
    put(sink, "x", "1");
    sink.end_directory();
    sink.end_directory();
    const SinkResult result = sink.finish();
    CHECK(result.problems.empty());
    CHECK(result.files == 2);
    CHECK(text_of(target / "a") == "new");
    CHECK(text_of(target / "d/keep") == "kept");
    CHECK(count_in(target.path()) == 2);
}

TEST_CASE("a link in the target is replaced, not followed") {
    const TempDir target;
    const TempDir outside;
    outside.write("victim", "safe");
    REQUIRE(::symlink((outside / "victim").c_str(), (target / "a").c_str()) == 0);
    REQUIRE(::symlink(outside.path().c_str(), (target / "d").c_str()) == 0);
    DirectorySink sink(open_target_directory(target.path()), "t", overwriting());
    sink.begin_directory(directory());
    put(sink, "a", "new");
    sink.begin_directory(directory("d"));
    put(sink, "victim", "attack");
    sink.end_directory();
    sink.end_directory();
    sink.finish();
    CHECK(text_of(outside / "victim") == "safe");
    CHECK(text_of(target / "a") == "new");
    CHECK(text_of(target / "d/victim") == "attack");
    CHECK_FALSE(std::filesystem::is_symlink(target / "d"));
}

TEST_CASE("a file that is given up leaves nothing behind") {
    const TempDir target;
    target.write("a", "old");
    DirectorySink sink(open_target_directory(target.path()), "t", overwriting());
    sink.begin_directory(directory());
    sink.begin_file(entry("a", model::FileType::Regular));
    sink.write(as_bytes("half"));
    sink.abandon_file("damaged");
    sink.end_directory();
    const SinkResult result = sink.finish();
    REQUIRE(result.problem_count == 1);
    CHECK(result.problems[0].message == "damaged");
    CHECK(text_of(target / "a") == "old");
    CHECK(count_in(target.path()) == 1);
}

TEST_CASE("a file of which the disk takes only a part is its own problem") {
    const TempDir target;
    DirectorySink sink(open_target_directory(target.path()), "t", {});
    sink.begin_directory(directory());
    {
        const FileSizeLimit limit(100'000);
        put(sink, "large", std::string(150'000, 'x'));
        put(sink, "small", "fine");
    }
    sink.end_directory();
    const SinkResult result = sink.finish();
    REQUIRE(result.problem_count == 1);
    CHECK(result.problems[0].subject == "large");
    CHECK(result.files == 1);
    CHECK(count_in(target.path()) == 1);
}

TEST_CASE("what stands in the way of one file is its own problem") {
    const TempDir target;
    target.write("a/inside", "old");
    DirectorySink sink(open_target_directory(target.path()), "t", overwriting());
    sink.begin_directory(directory());
    put(sink, "a", "a directory has this name");
    put(sink, "b", "fine");
    sink.end_directory();
    const SinkResult result = sink.finish();
    CHECK(result.problem_count == 1);
    CHECK(result.files == 1);
    CHECK(text_of(target / "b") == "fine");
    CHECK(text_of(target / "a/inside") == "old");
}

TEST_CASE("holes are holes, and times come last") {
    const TempDir target;
    DirectorySink sink(open_target_directory(target.path()), "t", {});
    sink.begin_directory(directory());
    sink.begin_directory(directory("d"));
    sink.begin_file(entry("sparse", model::FileType::Regular));
    sink.skip(10U << 20U);
    sink.write(as_bytes("x"));
    sink.skip(10U << 20U);
    sink.end_file();
    sink.end_directory();
    sink.end_directory();
    sink.finish();

    struct stat status {};

    REQUIRE(::stat((target / "d/sparse").c_str(), &status) == 0);
    CHECK(status.st_size == (20 << 20) + 1);
    CHECK(status.st_blocks * 512 < (1 << 20));
    CHECK(status.st_mtim.tv_sec == 1);
    REQUIRE(::stat((target / "d").c_str(), &status) == 0);
    CHECK(status.st_mtim.tv_sec == 1);
}

TEST_CASE("names of one file are one file, also when they replace each other") {
    const TempDir target;
    for (int round = 0; round < 2; ++round) {
        DirectorySink sink(open_target_directory(target.path()), "t", overwriting());
        sink.begin_directory(directory());
        sink.begin_directory(directory("d"));
        put(sink, "a", "shared");
        sink.end_directory();
        sink.add_link(entry("e", model::FileType::Regular), "d/a");
        sink.end_directory();
        CHECK(sink.finish().problem_count == 0);
        CHECK(std::filesystem::hard_link_count(target / "e") == 2);
        CHECK(count_in(target.path()) == 2);
    }
}

TEST_CASE("a tree deeper than the directories that are kept open is written whole") {
    const TempDir target;
    DirectorySink sink(open_target_directory(target.path()), "t", {});
    sink.begin_directory(directory());
    for (int i = 0; i < 150; ++i) {
        sink.begin_directory(directory("d"));
    }
    for (int i = 0; i < 150; ++i) {
        put(sink, "f", "x");
        sink.end_directory();
    }
    sink.end_directory();
    const SinkResult result = sink.finish();
    CHECK(result.problem_count == 0);
    CHECK(result.files == 150);
    CHECK(std::filesystem::exists(target / "d/d/d/f"));
}

TEST_CASE("a further name of a file that was not written does not name an older one") {
    const TempDir target;
    target.write("a", "old");
    target.write("d/a", "old");
    target.write("stays", "old");
    DirectorySink sink(open_target_directory(target.path()), "t", overwriting());
    sink.begin_directory(directory());
    sink.begin_file(entry("a", model::FileType::Regular));
    sink.abandon_file("damaged");
    sink.add_link(entry("b", model::FileType::Regular), "a");
    put(sink, "d", "a directory has this name");
    sink.add_link(entry("e", model::FileType::Regular), "d/a");
    sink.end_directory();
    const SinkResult result = sink.finish();
    CHECK(result.problem_count == 4);
    CHECK(result.files == 0);
    CHECK_FALSE(std::filesystem::exists(target / "b"));
    CHECK_FALSE(std::filesystem::exists(target / "e"));
}
