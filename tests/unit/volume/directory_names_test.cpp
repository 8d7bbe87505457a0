// SPDX-License-Identifier: Apache-2.0
#include "core/volume/directory_names.hpp"

#include "core/base/file_descriptor.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <fcntl.h>
#include <fstream>
#include <set>
#include <string>
#include <unistd.h>

using namespace backup;
using namespace backup::volume;
using backup::testing::TempDir;

namespace {

std::vector<std::string> take_all(DirectoryNames names) {
    std::vector<std::string> taken;
    while (!names.is_at_end()) {
        taken.emplace_back(names.take_next());
    }
    return taken;
}

}  // namespace

TEST_CASE("a huge directory gets on while it is listed") {
    const TempDir root;
    for (int i = 0; i < 1000; ++i) {
        std::ofstream(root.path() / (std::to_string(i) + std::string(200, 'x')));
    }
    const FileDescriptor directory(::open(root.path().c_str(), O_RDONLY | O_DIRECTORY));
    std::string problem;
    std::atomic<std::uint64_t> steps = 0;
    CHECK(take_all(DirectoryNames(directory.get(), problem, &steps)).size() == 1000);
    // 220 kB in pieces of 32.
    CHECK(steps >= 7);
}

TEST_CASE("names come in byte order without the two dots") {
    const TempDir root;
    for (const char* name : {"b", "a.b", "a", "\xc3\xa4", "A", "..."}) {
        std::ofstream(root.path() / name) << "x";
    }
    const FileDescriptor directory(::open(root.path().c_str(), O_RDONLY | O_DIRECTORY));
    std::string problem;
    CHECK(take_all(DirectoryNames(directory.get(), problem)) ==
          std::vector<std::string>{"...", "A", "a", "a.b", "b", "\xc3\xa4"});
    CHECK(problem.empty());
    // The second listing begins at the beginning again.
    CHECK(take_all(DirectoryNames(directory.get(), problem)).size() == 6);
}

TEST_CASE("a directory of more names than one call gives is listed whole") {
    const TempDir root;
    std::set<std::string> expected;
    for (int i = 0; i < 3000; ++i) {
        const std::string name = "a-name-that-is-no-short-string-" + std::to_string(i);
        expected.insert(name);
        std::ofstream(root.path() / name) << "x";
    }
    const FileDescriptor directory(::open(root.path().c_str(), O_RDONLY | O_DIRECTORY));
    std::string problem;
    CHECK(take_all(DirectoryNames(directory.get(), problem)) ==
          std::vector<std::string>(expected.begin(), expected.end()));
}

TEST_CASE("what is no directory is a problem, not an exception") {
    const TempDir root;
    std::ofstream(root.path() / "file") << "x";
    const FileDescriptor file(::open((root.path() / "file").c_str(), O_RDONLY));
    std::string problem;
    CHECK(take_all(DirectoryNames(file.get(), problem)).empty());
    CHECK_FALSE(problem.empty());
}
