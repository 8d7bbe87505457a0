// SPDX-License-Identifier: Apache-2.0
// The tars that are there read what TarSink writes: GNU tar always, BusyBox where it is installed.
#include "core/restore/tar_sink.hpp"

#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/process.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/temp_dir.hpp"

#include <sys/stat.h>
#include <unistd.h>

using namespace backup;
using backup::testing::TempDir;

namespace {

class MemorySink : public ByteSink {
  public:
    void write(ByteView bytes) override { append(written, bytes); }

    Bytes written;
};

model::FileEntry entry(std::string name, model::FileType type, std::uint32_t mode = 0640) {
    model::FileEntry made;
    made.name = std::move(name);
    made.type = type;
    made.mode = mode;
    made.uid = ::getuid();
    made.gid = ::getgid();
    made.mtime_ns = 1'500'000'000'250'000'000;
    return made;
}

void put_file(volume::TreeSink& sink, const std::string& name, std::string_view content) {
    model::FileEntry file = entry(name, model::FileType::Regular);
    file.size = content.size();
    sink.begin_file(file);
    sink.write(as_bytes(content));
    sink.end_file();
}

const std::string kLongName = std::string(120, 'n');

Bytes sample() {
    MemorySink out;
    restore::TarSink sink(out);
    sink.begin_directory(entry({}, model::FileType::Directory));
    sink.begin_directory(entry("top", model::FileType::Directory, 0750));
    put_file(sink, "a", "hello");
    model::FileEntry sparse = entry("sparse", model::FileType::Regular);
    sparse.size = 70'000 + 3;
    sink.begin_file(sparse);
    sink.skip(70'000);
    sink.write(as_bytes("end"));
    sink.end_file();
    sink.begin_file(entry("lost", model::FileType::Regular));
    sink.abandon_file("damaged");
    sink.add_link(entry("b", model::FileType::Regular), "top/a");
    model::FileEntry link = entry("link", model::FileType::Symlink);
    link.link_target = std::string(130, 't');
    sink.add(link);
    sink.add(entry("fifo", model::FileType::Fifo));
    sink.begin_directory(entry(kLongName, model::FileType::Directory, 0755));
    put_file(sink, "deep \xc3\xa4", "x");
    sink.end_directory();
    sink.end_directory();
    sink.end_directory();
    const auto result = sink.finish();
    CHECK(result.files == 6);
    CHECK(result.problem_count == 1);
    CHECK(out.written.size() % 10'240 == 0);
    return out.written;
}

void check_extracted(const TempDir& target) {
    const auto top = target / "top";
    CHECK(read_file(top / "a") == to_bytes(as_bytes("hello")));
    CHECK(std::filesystem::hard_link_count(top / "b") == 2);
    CHECK(std::filesystem::file_size(top / "sparse") == 70'003);
    CHECK(std::filesystem::read_symlink(top / "link").string() == std::string(130, 't'));
    CHECK(std::filesystem::is_fifo(top / "fifo"));
    CHECK_FALSE(std::filesystem::exists(top / "lost"));
    CHECK(read_file(top / kLongName / "deep \xc3\xa4") == to_bytes(as_bytes("x")));

    struct stat status {};

    REQUIRE(::stat((top / "a").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777U) == 0640);
    CHECK(status.st_mtim.tv_sec == 1'500'000'000);
    REQUIRE(::stat(top.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777U) == 0750);
}

void extract(const TempDir& target, std::vector<std::string> command) {
    ProcessOptions options;
    options.command = std::move(command);
    options.command.insert(options.command.end(), {"xpf", "-", "-C", target.path().string()});
    options.input = sample();
    const ProcessResult result = run_process(options);
    CHECK(result.exit_code == 0);
    check_extracted(target);
}

}  // namespace

TEST_CASE("GNU tar reads the stream") {
    const TempDir target;
    extract(target, {"tar"});

    struct stat status {};

    REQUIRE(::stat((target / "top/a").c_str(), &status) == 0);
    CHECK(status.st_mtim.tv_nsec == 250'000'000);
}

TEST_CASE("BusyBox tar reads the stream") {
    if (!std::filesystem::exists("/usr/bin/busybox") && !std::filesystem::exists("/bin/busybox")) {
        return;
    }
    const TempDir target;
    extract(target, {"busybox", "tar"});
}

TEST_CASE("a size that was promised and cannot be kept ends the run") {
    MemorySink out;
    restore::TarSink sink(out);
    sink.begin_directory(entry({}, model::FileType::Directory));
    model::FileEntry file = entry("a", model::FileType::Regular);
    file.size = 10;
    sink.begin_file(file);
    sink.write(as_bytes("half"));
    CHECK(backup::testing::error_code_of([&] {
              sink.abandon_file("damaged");
              return 0;
          }) == ErrorCode::CorruptData);
}

TEST_CASE("sizes above eight gibibytes and large owners are written so that tar lists them") {
    MemorySink out;
    restore::TarSink sink(out);
    sink.begin_directory(entry({}, model::FileType::Directory));
    model::FileEntry file = entry("big", model::FileType::Regular);
    file.uid = 4'000'000'000U;
    file.size = 9ULL << 30U;
    sink.begin_file(file);
    // The header goes out with the first byte.
    sink.write(as_bytes("x"));
    ProcessOptions options;
    options.command = {"tar", "tvf", "-", "--numeric-owner"};
    options.input = out.written;
    const ProcessResult result = run_process(options);
    CHECK(result.output.find("4000000000/") != std::string::npos);
    CHECK(result.output.find("9663676416") != std::string::npos);
}

TEST_CASE("a further name of a file that was left out is left out too") {
    MemorySink out;
    restore::TarSink sink(out);
    sink.begin_directory(entry({}, model::FileType::Directory));
    model::FileEntry file = entry("a", model::FileType::Regular);
    file.size = 5;
    file.has_link_group = true;
    sink.begin_file(file);
    sink.abandon_file("damaged");
    sink.add_link(entry("b", model::FileType::Regular), "a");
    sink.end_directory();
    const auto result = sink.finish();
    CHECK(result.problem_count == 2);
    CHECK(result.files == 0);
}
