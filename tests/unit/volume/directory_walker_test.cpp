// SPDX-License-Identifier: Apache-2.0
#include "core/volume/directory_walker.hpp"

#include "core/base/file_descriptor.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/temp_dir.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace backup;
using namespace backup::volume;
using backup::testing::TempDir;

namespace {

/// What the walk tells, as lines: "d a", "f a/b", "end", "! path".
class Recorder : public WalkVisitor {
  public:
    void begin_directory(model::FileEntry entry, std::string problem) override {
        lines.push_back("d " + entry.name + (problem.empty() ? "" : " !"));
        entries.push_back(std::move(entry));
    }

    void file(model::FileEntry entry, std::string_view directory) override {
        lines.push_back("f " + std::string(directory) + ":" + entry.name);
        entries.push_back(std::move(entry));
    }

    void end_directory() override { lines.emplace_back("end"); }

    void problem(std::string path, std::string, bool) override { lines.push_back("! " + path); }

    void file_system_left_out(std::string path) override { lines.push_back("fs " + path); }

    std::vector<std::string> lines;
    std::vector<model::FileEntry> entries;
};

Recorder walk(const TempDir& root, WalkOptions options, Clock& clock) {
    Recorder recorder;
    const FileDescriptor directory = open_file(root.path(), O_RDONLY | O_DIRECTORY);
    DirectoryWalker(directory.get(), std::move(options), clock).walk(recorder, {});
    return recorder;
}

Recorder walk(const TempDir& root, WalkOptions options = {}) {
    SystemClock clock;
    return walk(root, std::move(options), clock);
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a walk is depth-first with names in byte order") {
    const TempDir root;
    root.write("b/x", "1");
    root.write("a-", "1");
    root.write("a/z", "1");
    root.write("a0", "1");
    root.write("\xff", "1");
    CHECK(walk(root).lines == Lines{"d ",
                                    "d a",
                                    "f a:z",
                                    "end",
                                    "f :a-",
                                    "f :a0",
                                    "d b",
                                    "f b:x",
                                    "end",
                                    "f :\xff",
                                    "end"});
}

TEST_CASE("a walk does not follow links") {
    const TempDir root;
    const TempDir outside;
    outside.write("secret", "1");
    REQUIRE(::symlink(outside.path().c_str(), (root / "out").c_str()) == 0);
    const Recorder seen = walk(root);
    CHECK(seen.lines == Lines{"d ", "f :out", "end"});
    CHECK(seen.entries[1].type == model::FileType::Symlink);
    CHECK(seen.entries[1].link_target == outside.path().string());
}

TEST_CASE("lost+found is left out at the root only") {
    const TempDir root;
    root.write("lost+found/x", "1");
    root.write("a/lost+found/x", "1");
    CHECK(walk(root).lines ==
          Lines{"d ", "d a", "d lost+found", "f a/lost+found:x", "end", "end", "end"});
}

TEST_CASE("patterns exclude and include") {
    const TempDir root;
    root.write("cache/big", "1");
    root.write("data/a.tmp", "1");
    root.write("data/a", "1");
    WalkOptions options;
    options.exclude = {"*.tmp", "cache"};
    CHECK(walk(root, options).lines == Lines{"d ", "d data", "f data:a", "end", "end"});
    options = {};
    options.include = {"data"};
    CHECK(walk(root, options).lines ==
          Lines{"d ", "d cache", "end", "d data", "f data:a", "f data:a.tmp", "end", "end"});
}

TEST_CASE("a pattern may begin at the root and end like a directory") {
    const TempDir root;
    root.write("cache/big", "1");
    root.write("data/cache/small", "1");
    root.write("data/a", "1");
    WalkOptions options;
    for (const auto* pattern : {"/data", "./data/", "/data/*", "data/"}) {
        INFO(pattern);
        options.include = {pattern};
        const auto seen = walk(root, options).lines;
        CHECK(std::count(seen.begin(), seen.end(), "f data:a") == 1);
        CHECK(std::count(seen.begin(), seen.end(), "f data/cache:small") == 1);
        CHECK(std::count(seen.begin(), seen.end(), "f cache:big") == 0);
    }
    options = {};
    // A name alone means any depth; with '/' in front only the one at the root.
    options.exclude = {"/cache/"};
    CHECK(walk(root, options).lines ==
          Lines{"d ", "d data", "f data:a", "d cache", "f data/cache:small", "end", "end", "end"});
    options.exclude = {"cache"};
    CHECK(walk(root, options).lines == Lines{"d ", "d data", "f data:a", "end", "end"});
    options.exclude = {};
    options.include = {"/"};
    CHECK(walk(root, options).lines == walk(root).lines);
}

TEST_CASE("what no include glob matches is counted") {
    const TempDir root;
    root.write("a/x", "1");
    root.write("a/y.tmp", "1");
    root.write("b", "1");
    SystemClock clock;
    WalkOptions options;
    options.include = {"nothing"};
    options.exclude = {"*.tmp"};
    const FileDescriptor directory = open_file(root.path(), O_RDONLY | O_DIRECTORY);
    DirectoryWalker walker(directory.get(), options, clock);
    for (int i = 0; i < 2; ++i) {
        Recorder recorder;
        walker.walk(recorder, {});
        CHECK(walker.not_included() == 2);
    }
}

TEST_CASE("a tree deeper than the directories that are kept open is walked whole") {
    const TempDir root;
    std::string path;
    for (int i = 0; i < 200; ++i) {
        path += (i == 0 ? "d" : "/d");
        root.write(path + "/f", "1");
    }
    const Recorder seen = walk(root);
    CHECK(std::count_if(seen.lines.begin(), seen.lines.end(), [](const auto& line) {
              return line[0] == 'f';
          }) == 200);
    CHECK(std::count(seen.lines.begin(), seen.lines.end(), "end") == 201);
}

TEST_CASE("attributes are those of the file") {
    const TempDir root;
    const auto file = root.write("f", "hello");
    REQUIRE(::link(file.c_str(), (root / "g").c_str()) == 0);
    REQUIRE(::chmod(file.c_str(), 04751) == 0);
    timespec times[2] = {{0, 0}, {-3, 250'000'000}};
    REQUIRE(::utimensat(AT_FDCWD, file.c_str(), times, 0) == 0);
    const Recorder seen = walk(root);
    const model::FileEntry& entry = seen.entries[1];
    CHECK(entry.mode == 04751);
    CHECK(entry.size == 5);
    CHECK(entry.mtime_ns == -2'750'000'000);
    CHECK(entry.link_count == 2);
    CHECK(entry.has_link_group);
    CHECK(entry.inode == seen.entries[2].inode);
}

TEST_CASE("a file that changes while it is looked at may change again unseen") {
    const TempDir root;
    const auto file = root.write("f", "hello");
    struct stat status = {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    testing::FakeClock clock(
        format_rfc3339(TimePoint(std::chrono::seconds(status.st_ctim.tv_sec))));
    CHECK(walk(root, {}, clock).entries.at(1).is_racy);
    clock.advance(std::chrono::seconds(3));
    CHECK_FALSE(walk(root, {}, clock).entries.at(1).is_racy);
}
