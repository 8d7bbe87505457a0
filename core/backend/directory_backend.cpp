// SPDX-License-Identifier: Apache-2.0
#include "core/backend/directory_backend.hpp"

#include "core/backend/directory_listing.hpp"
#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/random.hpp"
#include "core/base/text.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace backup::backend {

namespace {

namespace fs = std::filesystem;

constexpr unsigned kDirectoryMode = 0700;
constexpr unsigned kBlobMode = 0444;
constexpr std::uint64_t kWritebackBytes = 8U << 20U;
constexpr std::int64_t kLeftoverSeconds = 24 * 60 * 60;

[[noreturn]] void fail(int error_number, std::string_view doing, const fs::path& path) {
    auto error = system_error(error_number, concat(doing, " ", path.native()));
    if (error_number == EACCES || error_number == EPERM) {
        throw std::move(error).hint("check the owner and the permissions of the repository");
    }
    throw std::move(error);
}

/// Some file systems cannot sync a directory; there a name is as durable as it gets.
bool cannot_sync_directories(int error_number) {
    return error_number == EINVAL || error_number == ENOTSUP;
}

FileDescriptor open_path(const fs::path& path, int flags, std::string_view doing) {
    const int number = ::open(path.c_str(), flags | O_CLOEXEC);
    if (number < 0) {
        fail(errno, doing, path);
    }
    return FileDescriptor(number);
}

struct OpenBlob {
    FileDescriptor file;
    std::uint64_t size = 0;
};

OpenBlob open_blob(const fs::path& path) {
    // A pipe under a blob's name must not hold us up.
    OpenBlob blob{open_path(path, O_RDONLY | O_NONBLOCK, "read"), 0};

    struct stat info {};

    if (::fstat(blob.file.get(), &info) != 0) {
        fail(errno, "read", path);
    }
    if (!S_ISREG(info.st_mode)) {
        throw Error(ErrorCode::CorruptData, concat(path.native(), " is not a regular file"));
    }
    blob.size = static_cast<std::uint64_t>(info.st_size);
    return blob;
}

void read_exactly(const OpenBlob& blob,
                  std::uint64_t offset,
                  std::span<std::byte> out,
                  const fs::path& path) {
    const auto what = concat("read ", path.native());
    if (pread_up_to(blob.file.get(), out, offset, what) != out.size()) {
        throw Error(ErrorCode::CorruptData, concat(path.native(), " is shorter than expected"));
    }
}

/// 0, or errno. Never replaces what is there.
int move_without_overwriting(const fs::path& from, const fs::path& to) {
    if (::link(from.c_str(), to.c_str()) == 0) {
        ::unlink(from.c_str());
        return 0;
    }
    if (errno != EPERM && errno != ENOTSUP && errno != ENOSYS && errno != EMLINK) {
        return errno;
    }
    // No hard links on this file system (FAT, some network ones).
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) {
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS) {
        return errno;
    }
    if (::access(to.c_str(), F_OK) == 0) {
        return EEXIST;
    }
    return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

}  // namespace

class DirectoryBackend::Writer : public BlobWriter {
  public:
    Writer(DirectoryBackend& backend, fs::path path, FileDescriptor file)
        : backend_(backend),
          path_(std::move(path)),
          file_(std::move(file)) {}

    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    ~Writer() override {
        if (!is_moved_) {
            ::unlink(path_.c_str());
        }
    }

    void write(ByteView bytes) override {
        write_all(file_.get(), bytes, concat("write ", path_.native()));
        written_ += bytes.size();
        if (written_ - pushed_ >= kWritebackBytes) {
            // Starts the disk early, so that commit() does not wait for all of it. A hint only.
            ::sync_file_range(file_.get(),
                              static_cast<off_t>(pushed_),
                              static_cast<off_t>(written_ - pushed_),
                              SYNC_FILE_RANGE_WRITE);
            pushed_ = written_;
        }
    }

    void commit(std::string_view name) override { commit_as(name, false); }

    const fs::path& path() const { return path_; }

    void commit_as(std::string_view name, bool exclusive) {
        const auto target = backend_.path_of(name);
        // After a failed sync the kernel may have dropped the bytes: it must not be tried again.
        if (::fdatasync(file_.get()) != 0) {
            fail(errno, "write", target);
        }
        int error_number = move_without_overwriting(path_, target);
        if (error_number == ENOENT) {
            backend_.make_directory(target.parent_path());
            error_number = move_without_overwriting(path_, target);
        }
        if (error_number == EEXIST && !exclusive) {
            // Somebody else may have put it there without having synced the directory yet.
            backend_.note_change(target.parent_path());
            return;
        }
        if (error_number != 0) {
            fail(error_number, "write", target);
        }
        is_moved_ = true;
        backend_.note_change(target.parent_path());
    }

  private:
    DirectoryBackend& backend_;
    fs::path path_;
    FileDescriptor file_;
    std::uint64_t written_ = 0;
    std::uint64_t pushed_ = 0;
    bool is_moved_ = false;
};

DirectoryBackend::DirectoryBackend(fs::path root) : root_(std::move(root)) {
    if (root_.empty()) {
        throw Error(ErrorCode::InvalidArgument, "the path of the repository is empty");
    }
    root_ = fs::absolute(root_).lexically_normal();
    if (!root_.has_filename() && root_.has_parent_path() && root_ != root_.root_path()) {
        root_ = root_.parent_path();
    }

    struct stat info {};

    if (::stat(root_.c_str(), &info) == 0 && !S_ISDIR(info.st_mode)) {
        throw Error(ErrorCode::InvalidArgument,
                    concat("the repository's place ", root_.native(), " is not a directory"));
    }
}

std::unique_ptr<BlobWriter> DirectoryBackend::create(std::string_view folder) {
    return create_in(folder.empty() ? root_ : path_of(folder));
}

void DirectoryBackend::put(std::string_view name, ByteView bytes, bool exclusive) {
    const auto writer = create_in(path_of(name).parent_path());
    writer->write(bytes);
    writer->commit_as(name, exclusive);
}

void DirectoryBackend::sync() {
    // Held for the whole work: who waits here relies on what the other one is syncing.
    auto unsynced = unsynced_.lock();
    if (unsynced->has_failed) {
        throw Error(ErrorCode::Io, concat("an earlier write to ", root_.native(), " was lost"));
    }
    unsynced->has_failed = true;
    for (const auto& directory : unsynced->directories) {
        const auto file = open_path(directory, O_RDONLY | O_DIRECTORY, "sync");
        if (::fsync(file.get()) != 0 && !cannot_sync_directories(errno)) {
            fail(errno, "sync", directory);
        }
    }
    unsynced->directories.clear();
    unsynced->has_failed = false;
}

Bytes DirectoryBackend::get(std::string_view name) {
    const auto path = path_of(name);
    const auto blob = open_blob(path);
    Bytes bytes(blob.size);
    read_exactly(blob, 0, bytes, path);
    return bytes;
}

void DirectoryBackend::get_range(std::string_view name,
                                 std::uint64_t offset,
                                 std::span<std::byte> out) {
    const auto path = path_of(name);
    const auto blob = open_blob(path);
    if (offset > blob.size || out.size() > blob.size - offset) {
        throw Error(ErrorCode::CorruptData, concat(path.native(), " is shorter than expected"));
    }
    read_exactly(blob, offset, out, path);
}

std::uint64_t DirectoryBackend::size(std::string_view name) {
    const auto path = path_of(name);

    struct stat info {};

    if (::stat(path.c_str(), &info) != 0) {
        fail(errno, "read", path);
    }
    return static_cast<std::uint64_t>(info.st_size);
}

bool DirectoryBackend::exists(std::string_view name) {
    const auto path = path_of(name);

    struct stat info {};

    if (::stat(path.c_str(), &info) == 0) {
        return true;
    }
    if (errno != ENOENT) {
        fail(errno, "read", path);
    }
    return false;
}

void DirectoryBackend::list(std::string_view folder, const std::function<void(BlobInfo)>& visit) {
    const auto path = path_of(folder);
    // A disk that is not mounted must not look like an empty repository.
    open_path(root_, O_RDONLY | O_DIRECTORY, "list");
    list_files(path, std::string(folder), visit);
}

void DirectoryBackend::remove(std::string_view name) {
    const auto path = path_of(name);
    if (::unlink(path.c_str()) == 0) {
        note_change(path.parent_path());
    } else if (errno != ENOENT) {
        fail(errno, "remove", path);
    }
}

fs::path DirectoryBackend::path_of(std::string_view name) const {
    check_blob_name(name);
    return root_ / name;
}

void DirectoryBackend::make_directory(const fs::path& directory) {
    if (::mkdir(directory.c_str(), kDirectoryMode) == 0) {
        note_change(directory.parent_path());
        return;
    }
    if (errno == EEXIST) {
        return;
    }
    if (errno != ENOENT || directory == directory.parent_path()) {
        fail(errno, "make the directory", directory);
    }
    make_directory(directory.parent_path());
    // Tried once more, not for ever: below /proc or a dangling link it stays ENOENT.
    if (::mkdir(directory.c_str(), kDirectoryMode) != 0 && errno != EEXIST) {
        fail(errno, "make the directory", directory);
    }
    note_change(directory.parent_path());
}

void DirectoryBackend::note_change(const fs::path& directory) {
    unsynced_.lock()->directories.insert(directory);
}

void DirectoryBackend::remove_leftovers(const fs::path& directory, std::int64_t now_seconds) {
    if (!swept_.lock()->insert(directory).second) {
        return;
    }
    for (const auto& leftover : list_temporary_files(directory)) {
        // Compared with the storage's own clock; a younger one may belong to a run beside us.
        if (now_seconds - leftover.modified_seconds > kLeftoverSeconds) {
            ::unlink(leftover.path.c_str());
        }
    }
}

std::unique_ptr<DirectoryBackend::Writer> DirectoryBackend::create_in(const fs::path& directory) {
    SystemRandom random;
    auto path = directory / concat(kTemporaryPrefix, to_hex(random.bytes(8)));
    constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    FileDescriptor file(::open(path.c_str(), flags, kBlobMode));
    if (!file && errno == ENOENT) {
        make_directory(directory);
        file = FileDescriptor(::open(path.c_str(), flags, kBlobMode));
    }
    if (!file) {
        fail(errno, "write to", directory);
    }

    struct stat info {};

    auto writer = std::make_unique<Writer>(*this, std::move(path), std::move(file));
    if (::stat(writer->path().c_str(), &info) == 0) {
        remove_leftovers(directory, info.st_mtim.tv_sec);
    }
    return writer;
}

}  // namespace backup::backend
