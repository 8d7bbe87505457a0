// SPDX-License-Identifier: Apache-2.0
// Writes a tree into a directory and never anything outside it, whoever changes it meanwhile: every
// step goes through a descriptor of the directory above, links are never followed.
#pragma once

#include "core/base/file_descriptor.hpp"
#include "core/volume/directory_target.hpp"
#include "core/volume/file_target.hpp"
#include "core/volume/sink_ledger.hpp"
#include "core/volume/tree_sink.hpp"

#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <sys/types.h>

namespace backup::volume {

class DirectorySink : public TreeSink {
  public:
    /// `root` is an open directory; `name` is what messages call it. Throws AlreadyExists when it
    /// is not empty and nothing may be overwritten.
    DirectorySink(FileDescriptor root, const std::string& name, SinkOptions options);
    ~DirectorySink() override;
    DirectorySink(const DirectorySink&) = delete;
    DirectorySink& operator=(const DirectorySink&) = delete;

    void begin_directory(const model::FileEntry& entry) override;
    void end_directory() override;
    void begin_file(const model::FileEntry& entry) override;
    void write(ByteView bytes) override;
    void skip(std::uint64_t hole_bytes) override;
    void end_file() override;
    void abandon_file(std::string_view reason) override;
    void add(const model::FileEntry& entry) override;
    void add_link(const model::FileEntry& entry, std::string_view target) override;
    /// No DirectoryTarget that was handed out may be left.
    SinkResult finish() override;

    /// The current directory, for files that other threads write (FileTarget) while this one goes
    /// on; nullptr below a directory that could not be made. Every holder of it keeps a descriptor
    /// open.
    DirectoryTargetPointer current_directory() const;

  private:
    struct Level {
        DirectoryTargetPointer target;  // let go far above the current one
        std::weak_ptr<DirectoryTarget> before;
        dev_t device = 0;  // of the directory that was let go
        ino_t inode = 0;
        std::shared_ptr<const TargetPath> path;
        bool is_new = false;
        model::FileEntry entry;
    };

    int here() const { return levels_.back().target->get(); }

    std::string path_of(std::string_view name) const;
    void fail(std::string_view name, std::string_view what, int error_number);
    std::string working_name(const std::string& name);
    FileDescriptor make_directory(const std::string& name, bool& is_new);
    bool make_node(const std::string& name, const model::FileEntry& entry);
    int make_link(const std::string& name, std::string_view target);
    void push(Level level);
    void let_go(Level& level);
    void open_again(Level& level, const DirectoryTarget& below);

    SinkLedger ledger_;
    FileDescriptor root_;
    std::deque<Level> levels_;
    std::size_t skipped_levels_ = 0;  // below a directory that could not be made
    std::optional<FileTarget> open_;
};

/// Opens the directory, makes it when it is missing (not those above it).
FileDescriptor open_target_directory(const std::filesystem::path& target);

}  // namespace backup::volume
