// SPDX-License-Identifier: Apache-2.0
#include "core/base/file_descriptor.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/file_size_limit.hpp"
#include "tests/support/temp_dir.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace backup;
using backup::testing::contains;
using backup::testing::error_code_of;
using backup::testing::error_of;
using backup::testing::FileSizeLimit;
using backup::testing::TempDir;

namespace {

bool is_open(int number) {
    return ::fcntl(number, F_GETFD) >= 0;
}

std::size_t count_entries(const std::filesystem::path& directory) {
    const std::filesystem::directory_iterator entries(directory);
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

}  // namespace

TEST_CASE("a descriptor is closed once, by its last owner") {
    const TempDir dir;
    auto first = open_file(dir.write("a", "x"), O_RDONLY);
    const int number = first.get();
    CHECK((::fcntl(number, F_GETFD) & FD_CLOEXEC) != 0);

    FileDescriptor second(std::move(first));
    CHECK(second.get() == number);
    CHECK_FALSE(first);  // NOLINT(bugprone-use-after-move): that it is empty is what is tested
    second = open_file(dir / "a", O_RDONLY);
    CHECK((!is_open(number) || second.get() == number));

    const int kept = second.release();
    CHECK_FALSE(second);
    CHECK(is_open(kept));
    FileDescriptor(kept).close();
    CHECK_FALSE(is_open(kept));
}

TEST_CASE("an error names the path") {
    const TempDir dir;
    const auto error = error_of([&] { return open_file(dir / "missing", O_RDONLY); });
    CHECK(error.code() == ErrorCode::NotFound);
    CHECK_THAT(error.what(), contains("missing"));
}

TEST_CASE("reads go on until the buffer is full or the file ends") {
    const TempDir dir;
    const auto file = open_file(dir.write("a", "hello"), O_RDONLY);
    std::array<std::byte, 3> buffer{};
    CHECK(read_up_to(file.get(), buffer, "a") == 3);
    CHECK(as_text(buffer) == "hel");
    CHECK(read_up_to(file.get(), buffer, "a") == 2);
    CHECK(read_up_to(file.get(), buffer, "a") == 0);
    CHECK(pread_up_to(file.get(), buffer, 1, "a") == 3);
    CHECK(as_text(buffer) == "ell");
    CHECK(pread_up_to(file.get(), buffer, 100, "a") == 0);
    CHECK(error_code_of([&] { return read_up_to(-1, buffer, "nothing"); }) == ErrorCode::Io);
}

TEST_CASE("a write that took only some of the bytes goes on with the rest") {
    std::string taken;
    int calls = 0;
    const auto take_some = [&](ByteView rest) -> std::int64_t {
        if (++calls % 3 == 0) {
            errno = EINTR;
            return -1;
        }
        const auto some = rest.first(std::min<std::size_t>(rest.size(), calls % 2 == 0 ? 1 : 4));
        taken += as_text(some);
        return static_cast<std::int64_t>(some.size());
    };
    CHECK(write_whole(as_bytes("what was written"), take_some) == 0);
    CHECK(taken == "what was written");
    CHECK(calls > 6);
    CHECK(write_whole({}, [](ByteView) -> std::int64_t { throw std::logic_error("asked"); }) == 0);
}

TEST_CASE("a write that takes nothing is an error, not asked for ever") {
    int calls = 0;
    CHECK(write_whole(as_bytes("bytes"), [&calls](ByteView) { return ++calls == 1 ? 2 : 0; }) ==
          EIO);
    CHECK(calls == 2);
    CHECK(write_whole(as_bytes("bytes"), [](ByteView) {
              errno = ENOSPC;
              return -1;
          }) == ENOSPC);
}

TEST_CASE("the kernel takes what fits and refuses the rest: that is told") {
    const TempDir dir;
    const FileSizeLimit limit(100'000);
    const auto file = open_file(dir / "a", O_WRONLY | O_CREAT);
    const Bytes bytes(150'000, std::byte{7});
    CHECK(error_code_of([&] {
              write_all(file.get(), bytes, "a");
              return 0;
          }) == ErrorCode::Io);
    CHECK(std::filesystem::file_size(dir / "a") == 100'000);
    CHECK(error_code_of([&] {
              pwrite_all(file.get(), bytes, 1, "a");
              return 0;
          }) == ErrorCode::Io);
}

TEST_CASE("writes land where they should") {
    const TempDir dir;
    {
        const auto file = open_file(dir / "a", O_WRONLY | O_CREAT);
        write_all(file.get(), as_bytes("hello"), "a");
        pwrite_all(file.get(), as_bytes("XY"), 1, "a");
    }
    CHECK(as_text(read_file(dir / "a")) == "hXYlo");
}

TEST_CASE("a pipe delivers in pieces and is read whole") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const FileDescriptor reader(ends[0]);
    FileDescriptor writer(ends[1]);
    write_all(writer.get(), as_bytes("ab"), "pipe");
    write_all(writer.get(), as_bytes("c"), "pipe");
    writer.close();
    std::array<std::byte, 8> buffer{};
    CHECK(read_up_to(reader.get(), buffer, "pipe") == 3);
}

TEST_CASE("a file over the limit is refused") {
    const TempDir dir;
    const auto path = dir.write("a", std::string(200'000, 'x'));
    CHECK(read_file(path, 200'000).size() == 200'000);
    CHECK(error_code_of([&] { return read_file(path, 199'999); }) == ErrorCode::InvalidArgument);
    CHECK(read_file(dir.write("empty", "")).empty());
}

TEST_CASE("a directory is not a file") {
    const TempDir dir;
    CHECK(error_code_of([&] { return read_file(dir.path()); }) == ErrorCode::Io);
}

TEST_CASE("an atomic write replaces the file and leaves nothing else") {
    const TempDir dir;
    write_file_atomically(dir / "key", as_bytes("old"));
    write_file_atomically(dir / "key", as_bytes("new"));
    CHECK(as_text(read_file(dir / "key")) == "new");
    CHECK(count_entries(dir.path()) == 1);

    struct stat info {};

    REQUIRE(::stat((dir / "key").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777U) == 0600U);
}

TEST_CASE("an atomic write that fails leaves nothing behind") {
    const TempDir dir;
    std::filesystem::create_directories(dir / "target/below");
    CHECK_THROWS_AS(write_file_atomically(dir / "target", as_bytes("x")), Error);
    CHECK(count_entries(dir.path()) == 1);
    CHECK(error_code_of([&] {
              write_file_atomically(dir / "no/such/dir", as_bytes("x"));
              return 0;
          }) == ErrorCode::NotFound);
}
