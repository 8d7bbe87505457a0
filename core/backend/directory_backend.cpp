// SPDX-License-Identifier: Apache-2.0
#include "core/backend/directory_backend.hpp"

#include "core/backend/directory_listing.hpp"
#include "core/backend/posix_file_system.hpp"
#include "core/base/error.hpp"
#include "core/base/random.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <cerrno>

namespace backup::backend {

namespace {

namespace fs = std::filesystem;

constexpr unsigned kDirectoryMode = 0700;
constexpr unsigned kBlobMode = 0444;
constexpr std::uint64_t kWritebackBytes = 8U << 20U;
constexpr std::int64_t kLeftoverSeconds = 24 * 60 * 60;

// Not a blob's name: lists leave it out.
constexpr std::string_view kReserveName = ".reserve";
constexpr std::uint64_t kReserveBytes = 16U << 20U;
constexpr std::uint64_t kLeastReserve = 256U << 10U;
constexpr unsigned kReserveMode = 0600;

[[noreturn]] void fail(int error_number, std::string_view doing, const fs::path& path) {
    auto error = system_error(error_number, concat(doing, " ", path.native()));
    if (error_number == EACCES || error_number == EPERM) {
        throw std::move(error).hint("check the owner and the permissions of the repository");
    }
    throw std::move(error);
}

[[noreturn]] void fail_without_winner(const fs::path& path) {
    throw Error(ErrorCode::Unsupported,
                concat("cannot write ",
                       path.native(),
                       " safely: its file system has neither hard links nor a rename that never "
                       "overwrites, so of two programs that write it at once both would succeed"))
        .hint("keep the repository on a file system with hard links, as ext4, XFS, Btrfs or NFS");
}

/// Some file systems cannot sync a directory; there a name is as durable as it gets.
bool cannot_sync_directories(int error_number) {
    return error_number == EINVAL || error_number == ENOTSUP;
}

std::unique_ptr<OpenFile> open_blob(FileSystem& files, const fs::path& path) {
    std::unique_ptr<OpenFile> blob;
    if (const int error_number = files.open(path, blob); error_number != 0) {
        fail(error_number, "read", path);
    }
    if (!blob->info().is_file) {
        throw Error(ErrorCode::CorruptData, concat(path.native(), " is not a regular file"));
    }
    return blob;
}

void read_exactly(OpenFile& blob,
                  std::uint64_t offset,
                  std::span<std::byte> out,
                  const fs::path& path) {
    std::size_t filled = 0;
    if (const int error_number = blob.read(offset, out, filled); error_number != 0) {
        fail(error_number, "read", path);
    }
    if (filled != out.size()) {
        throw Error(ErrorCode::CorruptData, concat(path.native(), " is shorter than expected"));
    }
}

bool is_not_offered(int error_number) {
    return error_number == EINVAL || error_number == ENOSYS || error_number == ENOTSUP;
}

/// NFS may do it, lose the answer, and say EEXIST to its own second try: open(2), NOTES on O_EXCL.
bool is_linked(FileSystem& files, const fs::path& path) {
    FileInfo info;
    return files.stat(path, info) == 0 && info.links > 1;
}

/// 0, or errno. Of several that move to one place at once one succeeds; where the file system
/// cannot promise that: ENOTSUP with `needs_one_winner`, else the last one replaces the others.
int move_without_overwriting(FileSystem& files,
                             const fs::path& from,
                             const fs::path& to,
                             bool needs_one_winner) {
    int error_number = files.link(from, to);
    if (error_number == 0 || is_linked(files, from)) {
        files.unlink(from);
        return 0;
    }
    if (error_number != EPERM && error_number != ENOTSUP && error_number != ENOSYS &&
        error_number != EMLINK) {
        return error_number;
    }
    // No hard links on this file system (FAT, some network ones).
    error_number = files.rename_without_overwriting(from, to);
    if (!is_not_offered(error_number)) {
        return error_number;
    }
    if (needs_one_winner) {
        return ENOTSUP;
    }
    FileInfo info;
    return files.stat(to, info) == 0 ? EEXIST : files.rename(from, to);
}

}  // namespace

class DirectoryBackend::Writer : public BlobWriter {
  public:
    Writer(DirectoryBackend& backend, fs::path path, std::unique_ptr<NewFile> file)
        : backend_(backend),
          path_(std::move(path)),
          file_(std::move(file)) {}

    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    ~Writer() override {
        if (!is_moved_) {
            backend_.files_->unlink(path_);
        }
    }

    void write(ByteView bytes) override {
        if (const int error_number = file_->write(bytes); error_number != 0) {
            fail(error_number, "write", path_);
        }
        written_ += bytes.size();
        if (written_ - pushed_ >= kWritebackBytes) {
            // Starts the disk early, so that commit() does not wait for all of it. A hint only.
            file_->start_writeback(pushed_, written_ - pushed_);
            pushed_ = written_;
        }
    }

    void commit(std::string_view name) override { commit_as(name, false); }

    void commit_as(std::string_view name, bool exclusive) {
        const auto target = backend_.path_of(name);
        // After a failed sync the kernel may have dropped the bytes: it must not be tried again.
        if (const int error_number = file_->sync(); error_number != 0) {
            fail(error_number, "write", target);
        }
        auto& files = *backend_.files_;
        int error_number = move_without_overwriting(files, path_, target, exclusive);
        if (error_number == ENOENT) {
            backend_.make_directory(target.parent_path());
            error_number = move_without_overwriting(files, path_, target, exclusive);
        }
        if (error_number == EEXIST && !exclusive) {
            // Somebody else may have put it there without having synced the directory yet.
            backend_.note_change(target.parent_path());
            return;
        }
        if (error_number == ENOTSUP && exclusive) {
            fail_without_winner(target);
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
    std::unique_ptr<NewFile> file_;
    std::uint64_t written_ = 0;
    std::uint64_t pushed_ = 0;
    bool is_moved_ = false;
};

class DirectoryBackend::Reader : public BlobReader {
  public:
    Reader(fs::path path, std::unique_ptr<OpenFile> file)
        : path_(std::move(path)),
          file_(std::move(file)) {}

    void read(std::uint64_t offset, std::span<std::byte> out) override {
        read_exactly(*file_, offset, out, path_);
    }

  private:
    fs::path path_;
    std::unique_ptr<OpenFile> file_;
};

DirectoryBackend::DirectoryBackend(fs::path root)
    : DirectoryBackend(std::move(root), std::make_shared<PosixFileSystem>()) {}

DirectoryBackend::DirectoryBackend(fs::path root, std::shared_ptr<FileSystem> files)
    : root_(std::move(root)),
      files_(std::move(files)) {
    if (root_.empty()) {
        throw Error(ErrorCode::InvalidArgument, "the path of the repository is empty");
    }
    root_ = fs::absolute(root_).lexically_normal();
    if (!root_.has_filename() && root_.has_parent_path() && root_ != root_.root_path()) {
        root_ = root_.parent_path();
    }
    FileInfo info;
    if (files_->stat(root_, info) == 0 && !info.is_directory) {
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
        const int error_number = files_->sync_directory(directory);
        // What is above the repository need not be ours to open.
        const bool may_be_closed =
            error_number == EACCES && directory.native().size() < root_.native().size();
        if (error_number != 0 && !may_be_closed && !cannot_sync_directories(error_number)) {
            fail(error_number, "sync", directory);
        }
    }
    unsynced->directories.clear();
    unsynced->has_failed = false;
}

Bytes DirectoryBackend::get(std::string_view name) {
    const auto path = path_of(name);
    const auto blob = open_blob(*files_, path);
    Bytes bytes(blob->info().size);
    read_exactly(*blob, 0, bytes, path);
    return bytes;
}

void DirectoryBackend::get_range(std::string_view name,
                                 std::uint64_t offset,
                                 std::span<std::byte> out) {
    const auto path = path_of(name);
    const auto blob = open_blob(*files_, path);
    const auto size = blob->info().size;
    if (offset > size || out.size() > size - offset) {
        throw Error(ErrorCode::CorruptData, concat(path.native(), " is shorter than expected"));
    }
    read_exactly(*blob, offset, out, path);
}

std::unique_ptr<BlobReader> DirectoryBackend::open(std::string_view name) {
    auto path = path_of(name);
    auto file = open_blob(*files_, path);
    return std::make_unique<Reader>(std::move(path), std::move(file));
}

std::uint64_t DirectoryBackend::size(std::string_view name) {
    const auto path = path_of(name);
    FileInfo info;
    if (const int error_number = files_->stat(path, info); error_number != 0) {
        fail(error_number, "read", path);
    }
    return info.size;
}

bool DirectoryBackend::exists(std::string_view name) {
    const auto path = path_of(name);
    FileInfo info;
    const int error_number = files_->stat(path, info);
    if (error_number != 0 && error_number != ENOENT) {
        fail(error_number, "read", path);
    }
    return error_number == 0;
}

void DirectoryBackend::list(std::string_view folder, const std::function<void(BlobInfo)>& visit) {
    const auto path = path_of(folder);
    // A disk that is not mounted must not look like an empty repository.
    FileInfo info;
    const int error_number = files_->stat(root_, info);
    if (error_number != 0 || !info.is_directory) {
        fail(error_number != 0 ? error_number : ENOTDIR, "list", root_);
    }
    list_files(*files_, path, std::string(folder), visit);
    note_seen(path);
}

void DirectoryBackend::remove(std::string_view name) {
    const auto path = path_of(name);
    const int error_number = files_->unlink(path);
    if (error_number != 0 && error_number != ENOENT) {
        fail(error_number, "remove", path);
    }
    // Also when it is gone already: whoever removed it may have died before it was durable.
    note_seen(path.parent_path());
}

bool DirectoryBackend::lists_at_once() {
    return files_->lists_at_once(root_);
}

std::uint64_t DirectoryBackend::release_reserve() {
    FileInfo info;
    const auto path = root_ / kReserveName;
    return files_->stat(path, info) == 0 && files_->unlink(path) == 0 ? info.size : 0;
}

void DirectoryBackend::restore_reserve() {
    // A small disk is not to be filled with it.
    const auto size = std::min(kReserveBytes, files_->free_bytes(root_) / 16);
    if (size >= kLeastReserve) {
        files_->reserve(root_ / kReserveName, size / kLeastReserve * kLeastReserve, kReserveMode);
    }
}

fs::path DirectoryBackend::path_of(std::string_view name) const {
    check_blob_name(name);
    return root_ / name;
}

void DirectoryBackend::make_directory(const fs::path& directory) {
    int error_number = files_->make_directory(directory, kDirectoryMode);
    if (error_number == ENOENT && directory != directory.parent_path()) {
        make_directory(directory.parent_path());
        // Tried once more, not for ever: below /proc or a dangling link it stays ENOENT.
        error_number = files_->make_directory(directory, kDirectoryMode);
    }
    if (error_number != 0 && error_number != EEXIST) {
        fail(error_number, "make the directory", directory);
    }
    note_change(directory.parent_path());
}

void DirectoryBackend::note_change(const fs::path& directory) {
    const auto top = root_.parent_path();
    auto unsynced = unsynced_.lock();
    unsynced->directories.insert(directory);
    // Those above it may have been made by a run that died before they were durable.
    for (auto at = directory;
         unsynced->anchored.insert(at).second && at.native().size() > top.native().size();) {
        at = at.parent_path();
        unsynced->directories.insert(at);
    }
}

void DirectoryBackend::note_seen(const fs::path& directory) {
    FileInfo info;
    if (files_->stat(directory, info) == 0 && info.is_directory) {
        note_change(directory);
    }
}

void DirectoryBackend::remove_leftovers(const fs::path& directory, std::int64_t now_seconds) {
    if (!swept_.lock()->insert(directory).second) {
        return;
    }
    for (const auto& leftover : list_temporary_files(*files_, directory)) {
        // Compared with the storage's own clock; a younger one may belong to a run beside us.
        if (now_seconds - leftover.modified_seconds > kLeftoverSeconds) {
            files_->unlink(leftover.path);
        }
    }
}

std::unique_ptr<DirectoryBackend::Writer> DirectoryBackend::create_in(const fs::path& directory) {
    SystemRandom random;
    auto path = directory / concat(kTemporaryPrefix, to_hex(random.bytes(8)));
    std::unique_ptr<NewFile> file;
    int error_number = files_->create(path, kBlobMode, file);
    if (error_number == ENOENT) {
        make_directory(directory);
        error_number = files_->create(path, kBlobMode, file);
    }
    if (error_number != 0) {
        fail(error_number, "write to", directory);
    }
    auto writer = std::make_unique<Writer>(*this, path, std::move(file));
    FileInfo info;
    if (files_->stat(path, info) == 0) {
        remove_leftovers(directory, info.modified_seconds);
    }
    return writer;
}

}  // namespace backup::backend
