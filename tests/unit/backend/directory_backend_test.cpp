// SPDX-License-Identifier: Apache-2.0
#include "core/backend/directory_backend.hpp"

#include "core/backend/posix_file_system.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/file_size_limit.hpp"
#include "tests/support/temp_dir.hpp"

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

using namespace backup;
using namespace backup::backend;
using namespace backup::testing;

namespace fs = std::filesystem;

namespace {

fs::perms permissions_of(const fs::path& path) {
    return fs::status(path).permissions();
}

std::size_t count_files(const fs::path& directory) {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
        count += entry.is_regular_file() ? 1U : 0U;
    }
    return count;
}

void make_old(const fs::path& path) {
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(25));
}

/// As FAT and some network file systems are.
struct NoLinks : PosixFileSystem {
    int link(const Path& /*from*/, const Path& /*to*/) override { return EPERM; }
};

/// As programs that pass an object store off as a file system.
struct NeitherLinksNorFlags : NoLinks {
    explicit NeitherLinksNorFlags(int told) : number(told) {}

    int rename_without_overwriting(const Path& /*from*/, const Path& /*to*/) override {
        return number;
    }

    int number;
};

/// As NFS when the answer to a link(2) is lost: the next try finds what the first has done.
struct LosesAnswers : PosixFileSystem {
    int link(const Path& from, const Path& to) override {
        const int first = PosixFileSystem::link(from, to);
        return first == 0 ? PosixFileSystem::link(from, to) : first;
    }
};

std::vector<std::string> list_names(Backend& backend, std::string_view folder) {
    std::vector<std::string> names;
    backend.list(folder, [&names](const BlobInfo& info) { names.push_back(info.name); });
    return names;
}

}  // namespace

TEST_CASE("blobs are read-only files, directories only the owner's") {
    const TempDir directory;
    const auto root = directory / "repository";
    DirectoryBackend backend(root);
    CHECK_FALSE(fs::exists(root));
    backend.put("packs/ab/abcd", as_bytes("content"));
    backend.sync();
    CHECK(permissions_of(root) == fs::perms::owner_all);
    CHECK(permissions_of(root / "packs/ab") == fs::perms::owner_all);
    CHECK((permissions_of(root / "packs/ab/abcd") & static_cast<fs::perms>(0222)) ==
          fs::perms::none);
    CHECK(count_files(root) == 1);
}

TEST_CASE("an unfinished blob leaves no file") {
    const TempDir directory;
    DirectoryBackend backend(directory.path());
    {
        const auto writer = backend.create("packs");
        writer->write(as_bytes("lost"));
        CHECK(count_files(directory.path()) == 1);
    }
    CHECK(count_files(directory.path()) == 0);
}

TEST_CASE("leftovers of a run that died are not listed, and go away after a day") {
    const TempDir directory;
    const auto old_one = directory.write("packs/tmp-0123456789abcdef", "x");
    const auto young = directory.write("packs/tmp-0123456789abcde0", "x");
    const auto foreign = directory.write("packs/tmp-notes", "x");
    const auto hidden = directory.write("packs/.hidden", "x");
    const auto odd = directory.write("packs/a b", "x");
    make_old(old_one);
    make_old(foreign);
    make_old(hidden);
    DirectoryBackend backend(directory.path());
    CHECK(list_names(backend, "packs").empty());
    CHECK(fs::exists(old_one));
    backend.put("packs/ab/abcd", {});
    const auto writer = backend.create("packs");
    CHECK_FALSE(fs::exists(old_one));
    CHECK(fs::exists(young));
    CHECK(fs::exists(foreign));
    CHECK(fs::exists(hidden));
    CHECK(fs::exists(odd));
    CHECK(list_names(backend, "packs") == std::vector<std::string>{"packs/ab/abcd"});
}

TEST_CASE("a place that is gone does not look empty") {
    const TempDir directory;
    DirectoryBackend backend(directory / "not-mounted");
    CHECK(error_code_of([&] { return list_names(backend, "packs"); }) == ErrorCode::NotFound);
    CHECK_FALSE(backend.exists("config"));
}

TEST_CASE("a folder that cannot be read is an error, not an empty list") {
    const TempDir directory;
    directory.write("packs", "a file where the folder should be");
    DirectoryBackend backend(directory.path());
    CHECK(error_code_of([&] { return list_names(backend, "packs"); }) == ErrorCode::Io);
    CHECK(error_code_of([&] {
              backend.put("packs/ab/abcd", {});
              return 0;
          }) == ErrorCode::Io);
}

TEST_CASE("a pipe under a blob's name does not hang") {
    const TempDir directory;
    REQUIRE(::mkfifo((directory / "config").c_str(), 0600) == 0);
    DirectoryBackend backend(directory.path());
    CHECK(error_code_of([&] { return backend.get("config"); }) == ErrorCode::CorruptData);
}

TEST_CASE("a place that takes no directory is named") {
    DirectoryBackend backend("/proc/self/no-such-place");
    const auto error = error_of([&] {
        backend.put("config", as_bytes("x"));
        return 0;
    });
    CHECK(error.code() == ErrorCode::NotFound);
    CHECK_THAT(error.message(), contains("/proc/self"));
}

TEST_CASE("a lost directory makes sync fail, and it stays failed") {
    const TempDir directory;
    const auto root = directory / "repository";
    DirectoryBackend backend(root);
    backend.put("packs/ab/abcd", {});
    fs::remove_all(root);
    CHECK(error_code_of([&] {
              backend.sync();
              return 0;
          }) == ErrorCode::NotFound);
    fs::create_directories(root / "packs/ab");
    CHECK(error_code_of([&] {
              backend.sync();
              return 0;
          }) == ErrorCode::Io);
}

TEST_CASE("directory backend: room is kept for a full disk, and lists do not show it") {
    const TempDir directory;
    DirectoryBackend backend((directory / "repository").string());
    CHECK(backend.release_reserve() == 0);
    backend.put("config", {});
    backend.restore_reserve();
    const auto reserve = directory / "repository/.reserve";
    if (!std::filesystem::exists(reserve)) {
        WARN("this file system keeps no room");
        return;
    }
    CHECK(std::filesystem::file_size(reserve) >= (256U << 10U));
    backend.restore_reserve();
    backend.put("points/a", {});
    std::vector<std::string> names;
    backend.list("points", [&names](const BlobInfo& info) {
        names.push_back(info.name);
        CHECK(info.modified_seconds > 1'600'000'000);
    });
    CHECK(names == std::vector<std::string>{"points/a"});
    CHECK(backend.release_reserve() >= (256U << 10U));
    CHECK_FALSE(std::filesystem::exists(reserve));
    CHECK(backend.release_reserve() == 0);
}

TEST_CASE("without hard links a put that must not overwrite still has one winner") {
    const TempDir directory;
    DirectoryBackend backend(directory.path(), std::make_shared<NoLinks>());
    backend.put("config", as_bytes("first"), true);
    CHECK(error_code_of([&] {
              backend.put("config", as_bytes("second"), true);
              return 0;
          }) == ErrorCode::AlreadyExists);
    backend.put("config", as_bytes("third"));
    CHECK(as_text(backend.get("config")) == "first");
    CHECK(count_files(directory.path()) == 1);
}

TEST_CASE("who wins a put is told so though an answer was lost, and nobody else") {
    const TempDir directory;
    DirectoryBackend backend(directory.path(), std::make_shared<LosesAnswers>());
    backend.put("points/a", as_bytes("first"), true);
    CHECK(error_code_of([&] {
              backend.put("points/a", as_bytes("second"), true);
              return 0;
          }) == ErrorCode::AlreadyExists);
    CHECK(count_files(directory.path()) == 1);
}

TEST_CASE("where a put cannot have one winner, one that needs it is refused") {
    const TempDir directory;
    const auto number = GENERATE(EINVAL, ENOSYS, ENOTSUP);
    DirectoryBackend backend(directory.path(), std::make_shared<NeitherLinksNorFlags>(number));
    const auto error = error_of([&] {
        backend.put("config", as_bytes("x"), true);
        return 0;
    });
    CHECK(error.code() == ErrorCode::Unsupported);
    CHECK_THAT(error.message(), contains("config") && contains("hard links"));
    CHECK_THAT(std::string(error.hint()), contains("ext4"));
    CHECK(count_files(directory.path()) == 0);
    // Of the others each writes the same.
    backend.put("packs/ab/abcd", as_bytes("content"));
    backend.put("packs/ab/abcd", as_bytes("content"));
    CHECK(as_text(backend.get("packs/ab/abcd")) == "content");
    CHECK(count_files(directory.path()) == 1);
}

TEST_CASE("a blob of which the disk took only a part is not there") {
    const TempDir directory;
    DirectoryBackend backend(directory.path());
    const FileSizeLimit limit(100'000);
    CHECK(error_code_of([&] {
              backend.put("packs/ab/abcd", Bytes(150'000));
              return 0;
          }) == ErrorCode::Io);
    CHECK_FALSE(backend.exists("packs/ab/abcd"));
    CHECK(count_files(directory.path()) == 0);
    backend.put("packs/ab/abcd", Bytes(90'000));
    CHECK(backend.get("packs/ab/abcd") == Bytes(90'000));
}
