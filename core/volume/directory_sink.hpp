// SPDX-License-Identifier: Apache-2.0
// Writes a tree into a directory and never anything outside it, whoever changes it meanwhile: every
// step goes through a descriptor of the directory above, links are never followed.
#pragma once

#include "core/base/file_descriptor.hpp"
#include "core/volume/tree_sink.hpp"

#include <deque>
#include <filesystem>
#include <sys/types.h>
#include <unordered_set>

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
    SinkResult finish() override;

  private:
    struct Level {
        FileDescriptor directory;  // closed far above the current one
        model::FileEntry entry;
        std::size_t path_bytes = 0;
    };

    struct OpenFile {
        FileDescriptor file;
        model::FileEntry entry;
        std::string name;  // what it is called until it is complete
        std::uint64_t written = 0;
    };

    int here() const { return levels_.back().directory.get(); }

    std::string path_of(std::string_view name) const;
    std::string working_name(const std::string& name);
    bool put_in_place(const std::string& working_name, const std::string& name);
    FileDescriptor make_directory(const std::string& name);
    bool make_node(const std::string& name, const model::FileEntry& entry);
    void discard_file();
    void fail(std::string_view name, std::string_view what, int error_number);
    void note_unmade(std::string_view name);
    bool is_unmade(std::string_view path) const;
    void push(Level level);

    void restore_open(int file, const model::FileEntry& entry);
    void restore_named(const std::string& name, const model::FileEntry& entry);
    bool restore_owner(int file, const model::FileEntry& entry);
    void restore_xattrs(int file, const std::string& path, const model::FileEntry& entry);

    SinkOptions options_;
    FileDescriptor root_;
    std::deque<Level> levels_;
    std::string path_;
    std::size_t skipped_levels_ = 0;  // below a directory that could not be made
    OpenFile open_;
    bool is_file_open_ = false;
    std::uint64_t next_working_name_ = 0;
    /// Hashes of the paths that could not be written: what is there now is something older.
    std::unordered_set<std::size_t> unmade_;
    SinkResult result_;
    std::uint64_t owners_denied_ = 0;
    std::uint64_t xattrs_denied_ = 0;
    std::uint64_t times_denied_ = 0;
};

/// Opens the directory, makes it when it is missing (not those above it).
FileDescriptor open_target_directory(const std::filesystem::path& target);

}  // namespace backup::volume
