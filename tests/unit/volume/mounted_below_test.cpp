// SPDX-License-Identifier: Apache-2.0
// Walks over real mounts, in a process that has its own view of them.
#include "core/base/file_descriptor.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/volume/directory_walker.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <array>
#include <fcntl.h>
#include <functional>
#include <optional>
#include <sched.h>
#include <string>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace backup;
using namespace backup::volume;
using backup::testing::TempDir;

namespace {

/// What the walk tells, on one line.
class Recorder : public WalkVisitor {
  public:
    void begin_directory(model::FileEntry entry, std::string) override {
        told += concat("(", entry.name, " ");
    }

    void file(model::FileEntry entry, std::string_view) override {
        told += concat(entry.name, " ");
    }

    void end_directory() override { told += ") "; }

    void problem(std::string path, std::string, bool is_loss) override {
        told += concat(is_loss ? "lost:" : "note:", path, " ");
    }

    void file_system_left_out(std::string path) override { told += concat("left:", path, " "); }

    std::string told;
};

void write_text(const char* path, const std::string& text) {
    const FileDescriptor file = open_file(path, O_WRONLY);
    if (::write(file.get(), text.data(), text.size()) < 0) {
        throw system_error(errno, path);
    }
}

/// Rights over mounts, for this process alone: as root of a user namespace where it is not root.
bool take_own_mounts() {
    const auto uid = ::geteuid();
    const auto gid = ::getegid();
    if (uid == 0 && ::unshare(CLONE_NEWNS) == 0) {
        return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    }
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
        return false;
    }
    write_text("/proc/self/setgroups", "deny");
    write_text("/proc/self/uid_map", concat("0 ", uid, " 1"));
    write_text("/proc/self/gid_map", concat("0 ", gid, " 1"));
    return true;
}

/// What `body` says in a process with mounts of its own; nothing where that is not allowed.
std::optional<std::string> with_own_mounts(const std::function<std::string()>& body) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const auto child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        int status = 1;
        const auto failure = failure_of([&] {
            if (take_own_mounts()) {
                const auto text = body();
                status = ::write(ends[1], text.data(), text.size()) < 0 ? 2 : 0;
            }
        });
        ::_exit(failure ? 3 : status);
    }
    ::close(ends[1]);
    std::string text;
    std::array<char, 4096> part{};
    for (auto got = ::read(ends[0], part.data(), part.size()); got > 0;
         got = ::read(ends[0], part.data(), part.size())) {
        text.append(part.data(), static_cast<std::size_t>(got));
    }
    ::close(ends[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    if (WEXITSTATUS(status) == 1) {
        return std::nullopt;
    }
    REQUIRE(WEXITSTATUS(status) == 0);
    return text;
}

void mount_over(const std::string& source, const std::string& path, bool is_bind) {
    const unsigned long flags = is_bind ? static_cast<unsigned long>(MS_BIND) : 0UL;
    if (::mount(source.c_str(), path.c_str(), is_bind ? nullptr : "tmpfs", flags, nullptr) != 0) {
        throw system_error(errno, concat("mount ", path));
    }
}

std::string walk(const std::string& root, WalkOptions options) {
    SystemClock clock;
    Recorder recorder;
    const FileDescriptor directory = open_file(root, O_RDONLY | O_DIRECTORY);
    DirectoryWalker(directory.get(), std::move(options), clock).walk(recorder, {});
    return recorder.told;
}

/// A volume with a file system in "disk", the kernel's in "proc", and itself again in "disk/again".
void mount_all(const TempDir& root) {
    mount_over("tmpfs", (root / "disk").string(), false);
    root.write("disk/b", "1");
    root.write("disk/again/x", "1");
    root.write("disk/deep/c", "1");
    mount_over(root.path().string(), (root / "disk/again").string(), true);
    mount_over("/proc/self/net", (root / "proc").string(), true);
}

void check_told(const std::optional<std::string>& told, const std::string& expected) {
    if (!told) {
        WARN("mounts are not allowed here: nothing was tested");
        return;
    }
    CHECK(*told == expected);
}

TempDir& make_volume(TempDir& root) {
    root.write("a", "1");
    root.write("disk/hidden", "1");
    root.write("proc/hidden", "1");
    return root;
}

}  // namespace

TEST_CASE("file systems below the root are told when they are not gone into") {
    TempDir root;
    make_volume(root);
    check_told(with_own_mounts([&] {
                   mount_all(root);
                   return walk(root.path().string(), {});
               }),
               "( a left:disk (disk ) left:proc (proc ) ) ");
    WalkOptions options;
    options.exclude = {"disk"};
    check_told(with_own_mounts([&] {
                   mount_all(root);
                   return walk(root.path().string(), options);
               }),
               "( a left:proc (proc ) ) ");
    options = {};
    options.include = {"disk/deep/*"};
    check_told(with_own_mounts([&] {
                   mount_all(root);
                   return walk(root.path().string(), options);
               }),
               "( left:disk (disk ) (proc ) ) ");
}

TEST_CASE("a walk into mounted file systems leaves out the kernel's and itself once more") {
    TempDir root;
    make_volume(root);
    WalkOptions options;
    options.crosses_file_systems = true;
    check_told(with_own_mounts([&] {
                   mount_all(root);
                   return walk(root.path().string(), options);
               }),
               "( a (disk note:disk/again (again ) b (deep c ) ) note:proc (proc ) ) ");
}
