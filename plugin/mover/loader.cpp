// SPDX-License-Identifier: Apache-2.0
// The first program in a mover pod, whose image has nothing we could count on:
//   loader wait SECONDS IDLE_SECONDS   the pod's main process: ends when its time is up, or when
//                                      nobody has had a process in the container for a while
//   loader run PROGRAM_DIRECTORY SCRATCH_DIRECTORY
//                                      joins and unpacks the mover, and becomes it
// It must fit in a ConfigMap (1 MiB) as it is: no C++ library, no exceptions, only libc and the
// decoder of zstd.
#include <zstd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

constexpr int kFailed = 70;
constexpr std::size_t kLargestProgram = std::size_t{64} << 20U;
constexpr std::size_t kLargestPath = 512;
constexpr int kMostParts = 64;
constexpr time_t kLookEvery = 5;
constexpr unsigned kExecutableMemory = 0x10U;  // MFD_EXEC of Linux 6.3

using Path = std::array<char, kLargestPath>;

struct Buffer {
    char* bytes = nullptr;
    std::size_t size = 0;
};

void say(const char* text) {
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text, std::strlen(text));
}

int fail(const char* what) {
    const char* reason = std::strerror(errno);
    say("kubectl-backup loader: ");
    say(what);
    say(": ");
    say(reason);
    say("\n");
    return kFailed;
}

bool join_path(Path& out, const char* directory, const char* name) {
    const auto length = std::strlen(directory);
    const auto more = std::strlen(name);
    if (length + more + 2 > out.size()) {
        errno = ENAMETOOLONG;
        return false;
    }
    std::memcpy(out.data(), directory, length);
    out[length] = '/';
    std::memcpy(out.data() + length + 1, name, more + 1);
    return true;
}

/// Appends the file; false on failure, errno says why.
bool append_file(Buffer& buffer, const char* path) {
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t count = 1;
    while (count > 0) {
        if (buffer.size == kLargestProgram) {
            errno = EFBIG;
            return false;
        }
        count = ::read(fd, buffer.bytes + buffer.size, kLargestProgram - buffer.size);
        if (count > 0) {
            buffer.size += static_cast<std::size_t>(count);
        } else if (count < 0 && errno == EINTR) {
            count = 1;
        }
    }
    const int reason = errno;
    ::close(fd);
    errno = reason;
    return count == 0;
}

Buffer reserve(std::size_t size) {
    // Address space only: memory is used as far as it is written.
    void* memory = ::mmap(
        nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? Buffer{} : Buffer{static_cast<char*>(memory), 0};
}

/// mover.00, mover.01, ... one behind the other.
bool read_parts(Buffer& packed, const char* directory) {
    for (int part = 0; part < kMostParts; ++part) {
        std::array<char, 9> name{"mover.00"};
        name[6] = static_cast<char>('0' + part / 10);
        name[7] = static_cast<char>('0' + part % 10);
        Path path{};
        if (!join_path(path, directory, name.data())) {
            return false;
        }
        if (!append_file(packed, path.data())) {
            return errno == ENOENT && part > 0;
        }
    }
    return true;
}

bool unpack(const Buffer& packed, Buffer& program) {
    const auto size = ZSTD_getFrameContentSize(packed.bytes, packed.size);
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN ||
        size > kLargestProgram) {
        errno = ENOEXEC;
        return false;
    }
    program = reserve(size);
    if (program.bytes == nullptr) {
        return false;
    }
    program.size = ZSTD_decompress(program.bytes, size, packed.bytes, packed.size);
    errno = ENOEXEC;
    return program.size == size;
}

bool write_whole(int fd, const Buffer& program) {
    std::size_t done = 0;
    while (done < program.size) {
        const auto count = ::write(fd, program.bytes + done, program.size - done);
        if (count == 0) {
            errno = EIO;
        }
        if (count == 0 || (count < 0 && errno != EINTR)) {
            return false;
        }
        done += count < 0 ? 0 : static_cast<std::size_t>(count);
    }
    return true;
}

/// Nothing of the image's environment reaches the mover, and no file of the image: libcrypto would
/// otherwise read a configuration there that names modules to load.
char* const* clean_environment() {
    static std::array<char, 23> no_configuration{"OPENSSL_CONF=/dev/null"};
    static std::array<char, 29> no_modules{"OPENSSL_MODULES=/nonexistent"};
    static std::array<char*, 3> environment{no_configuration.data(), no_modules.data(), nullptr};
    return environment.data();
}

char* const* mover_arguments() {
    static std::array<char, 6> name{"mover"};
    static std::array<char*, 2> arguments{name.data(), nullptr};
    return arguments.data();
}

/// Comes back only when the kernel does not allow to run what is in memory.
void run_from_memory(const Buffer& program) {
    int fd = ::memfd_create("mover", MFD_CLOEXEC | kExecutableMemory);
    if (fd < 0 && errno == EINVAL) {
        fd = ::memfd_create("mover", MFD_CLOEXEC);
    }
    if (fd < 0 || !write_whole(fd, program)) {
        return;
    }
    ::fexecve(fd, mover_arguments(), clean_environment());
    ::close(fd);
}

/// Comes back only on failure.
void run_from_file(const Buffer& program, const char* directory) {
    Path path{};
    if (!join_path(path, directory, "mover.XXXXXX")) {
        return;
    }
    const int fd = ::mkstemp(path.data());
    if (fd < 0) {
        return;
    }
    const bool is_ready = write_whole(fd, program) && ::fchmod(fd, S_IRUSR | S_IXUSR) == 0;
    ::close(fd);
    // Under one name, so that many runs need no more room than one.
    Path final_path{};
    if (is_ready && join_path(final_path, directory, "mover") &&
        ::rename(path.data(), final_path.data()) == 0) {
        ::execve(final_path.data(), mover_arguments(), clean_environment());
    }
    const int reason = errno;
    ::unlink(path.data());  // the next try needs the room
    errno = reason;
}

int run(const char* program_directory, const char* scratch_directory) {
    Buffer packed = reserve(kLargestProgram);
    Buffer program;
    if (packed.bytes == nullptr || !read_parts(packed, program_directory)) {
        return fail("cannot read the parts of the mover");
    }
    if (!unpack(packed, program)) {
        return fail("cannot unpack the mover");
    }
    run_from_memory(program);
    run_from_file(program, scratch_directory);
    return fail("cannot start the mover");
}

time_t now() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec;
}

/// Whether another process lives in this container. When that cannot be seen: yes.
bool has_company() {
    DIR* directory = ::opendir("/proc");
    if (directory == nullptr) {
        return true;
    }
    bool found = false;
    while (const dirent* entry = ::readdir(directory)) {
        const char first = entry->d_name[0];
        found = found || (first >= '1' && first <= '9' && std::atoi(entry->d_name) != ::getpid());
    }
    ::closedir(directory);
    return found;
}

int wait_for_end(time_t seconds, time_t idle_seconds) {
    struct sigaction reap {};

    reap.sa_handler = SIG_IGN;  // orphans of the container vanish by themselves
    ::sigaction(SIGCHLD, &reap, nullptr);
    sigset_t ending;
    ::sigemptyset(&ending);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
        ::sigaddset(&ending, signal);
    }
    // As process 1 it would not be ended by a signal it does not take.
    ::sigprocmask(SIG_BLOCK, &ending, nullptr);
    const time_t begin = now();
    time_t last_company = begin;
    while (now() - begin < seconds && now() - last_company < idle_seconds) {
        const timespec pause{kLookEvery, 0};
        if (::sigtimedwait(&ending, nullptr, &pause) > 0) {
            return EXIT_SUCCESS;
        }
        if (has_company()) {
            last_company = now();
        }
    }
    return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 4 && std::strcmp(argv[1], "run") == 0) {
        return run(argv[2], argv[3]);
    }
    if (argc == 4 && std::strcmp(argv[1], "wait") == 0) {
        return wait_for_end(std::atol(argv[2]), std::atol(argv[3]));
    }
    say("kubectl-backup loader: wait SECONDS IDLE_SECONDS | run PROGRAM_DIRECTORY SCRATCH\n");
    return EXIT_FAILURE;
}
