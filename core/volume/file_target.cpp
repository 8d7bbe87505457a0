// SPDX-License-Identifier: Apache-2.0
#include "core/volume/file_target.hpp"

#include "core/volume/open_below.hpp"
#include "core/volume/restore_attributes.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace backup::volume {

namespace {

constexpr std::uint64_t kWritebackBytes = 8U << 20U;
// Below that the call costs more than the head start is worth.
constexpr std::uint64_t kSmallFile = 256U << 10U;

}  // namespace

FileTarget::FileTarget(DirectoryTargetPointer directory, model::FileEntry entry)
    : directory_(std::move(directory)),
      entry_(std::move(entry)) {
    create();
}

FileTarget::~FileTarget() {
    discard();
}

/// Where nothing older can be, under its own name: nobody else is there and O_EXCL holds.
void FileTarget::create() {
    SinkLedger& ledger = directory_->ledger();
    const int flags = O_WRONLY | O_CREAT | O_EXCL;
    const unsigned mode = creation_mode(entry_);
    const bool may_replace = ledger.options.overwrites;
    if (!may_replace || directory_->is_new()) {
        name_ = entry_.name;
        file_ = open_component(directory_->get(), name_, flags, mode);
    }
    if (!file_ && may_replace && (name_.empty() || errno == EEXIST)) {
        name_ = ledger.make_working_name();
        file_ = open_component(directory_->get(), name_, flags, mode);
    }
    if (!file_) {
        ledger.fail(directory_->path_of(entry_.name), "create", errno);
    }
}

void FileTarget::write(ByteView bytes) {
    if (!file_) {
        return;
    }
    const int reason = write_whole(bytes, [this](ByteView rest) {
        const auto count =
            ::pwrite(file_.get(), rest.data(), rest.size(), static_cast<off_t>(written_));
        written_ += static_cast<std::uint64_t>(std::max<ssize_t>(count, 0));
        return count;
    });
    if (reason != 0) {
        discard();
        directory_->ledger().fail(directory_->path_of(entry_.name), "write", reason);
    }
    start_writeback(kWritebackBytes);
}

void FileTarget::skip(std::uint64_t hole_bytes) {
    if (!file_) {
        return;
    }
    written_ += hole_bytes;
    if (::ftruncate(file_.get(), static_cast<off_t>(written_)) != 0) {
        const int reason = errno;
        discard();
        directory_->ledger().fail(directory_->path_of(entry_.name), "make a hole", reason);
    }
}

/// So that the sync at the end does not wait for all of it. A hint only.
void FileTarget::start_writeback(std::uint64_t least) {
    if (file_ && written_ - pushed_ >= least) {
        ::sync_file_range(file_.get(),
                          static_cast<off_t>(pushed_),
                          static_cast<off_t>(written_ - pushed_),
                          SYNC_FILE_RANGE_WRITE);
        pushed_ = written_;
    }
}

void FileTarget::end() {
    if (!file_) {
        return;
    }
    start_writeback(kSmallFile);
    directory_->ledger().attributes.restore_open(file_.get(), entry_);
    file_.close();
    if (directory_->put_in_place(name_, entry_.name)) {
        directory_->ledger().count_file(written_);
    }
}

void FileTarget::abandon(std::string_view reason) {
    if (file_) {
        discard();
        directory_->ledger().give_up(directory_->path_of(entry_.name), std::string(reason));
    }
}

void FileTarget::discard() {
    if (file_) {
        file_.close();
        ::unlinkat(directory_->get(), name_.c_str(), 0);
    }
}

}  // namespace backup::volume
