// SPDX-License-Identifier: Apache-2.0
// A directory that files are being written into, by several threads. Everything goes through its
// descriptor: nobody can lead a restore elsewhere by changing the directories above.
#pragma once

#include "core/base/file_descriptor.hpp"
#include "core/model/file_entry.hpp"
#include "core/volume/sink_ledger.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace backup::volume {

/// A path below the root, for messages: shares what is above.
struct TargetPath {
    std::shared_ptr<const TargetPath> above;
    std::string name;
};

/// Path of an entry of `directory`; nullptr is the root.
std::string path_text(const TargetPath* directory, std::string_view name);

class DirectoryTarget {
  public:
    DirectoryTarget(SinkLedger& ledger,
                    FileDescriptor directory,
                    std::shared_ptr<const TargetPath> path,
                    bool is_new)
        : ledger_(ledger),
          directory_(std::move(directory)),
          path_(std::move(path)),
          is_new_(is_new) {}

    /// Whoever lets it go last gives an ended directory its attributes: a file that is made in it
    /// later would change its times.
    ~DirectoryTarget();
    DirectoryTarget(const DirectoryTarget&) = delete;
    DirectoryTarget& operator=(const DirectoryTarget&) = delete;

    int get() const { return directory_.get(); }

    /// True when this run made it: nothing older is in it.
    bool is_new() const { return is_new_; }

    const std::shared_ptr<const TargetPath>& path() const { return path_; }

    /// Of an entry in it.
    std::string path_of(std::string_view name) const { return path_text(path_.get(), name); }

    /// One thread, which then lets it go.
    void end(const model::FileEntry& entry) { entry_ = std::make_unique<model::FileEntry>(entry); }

    /// It is ended through another descriptor, which has to wait for the users of this one.
    void succeed_with(std::shared_ptr<DirectoryTarget> other) { successor_ = std::move(other); }

    /// True: `name` now is what was called `working`. Otherwise it is a problem of the run and the
    /// working name is gone.
    bool put_in_place(const std::string& working, const std::string& name) const;

    SinkLedger& ledger() const { return ledger_; }

  private:
    SinkLedger& ledger_;
    FileDescriptor directory_;
    std::shared_ptr<const TargetPath> path_;
    bool is_new_;
    std::unique_ptr<model::FileEntry> entry_;
    std::shared_ptr<DirectoryTarget> successor_;
};

using DirectoryTargetPointer = std::shared_ptr<DirectoryTarget>;

}  // namespace backup::volume
