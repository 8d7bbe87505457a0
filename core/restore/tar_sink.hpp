// SPDX-License-Identifier: Apache-2.0
// A tree as a tar stream that GNU, BSD and BusyBox tar read: ustar headers (IEEE 1003.1-2017, pax)
// with GNU's long names and numbers; pax records for exact times and extended attributes. Holes
// become zeros; nothing is known of what the reader does with it.
#pragma once

#include "core/base/stream.hpp"
#include "core/volume/tree_sink.hpp"

#include <unordered_set>
#include <vector>

namespace backup::restore {

class TarSink : public volume::TreeSink {
  public:
    explicit TarSink(ByteSink& out) : out_(out) {}

    /// The root itself gets no entry.
    void begin_directory(const model::FileEntry& entry) override;
    void end_directory() override;
    void begin_file(const model::FileEntry& entry) override;
    void write(ByteView bytes) override;
    void skip(std::uint64_t hole_bytes) override;
    void end_file() override;
    /// Only before the first byte of content; later it throws, for the size was promised.
    void abandon_file(std::string_view reason) override;
    void add(const model::FileEntry& entry) override;
    void add_link(const model::FileEntry& entry, std::string_view target) override;
    /// Writes the end mark; what becomes of it is for the reader to say.
    volume::SinkResult finish() override;

  private:
    void put_entry(const model::FileEntry& entry, char type, std::string_view link_target);
    void put_extension(char type, std::string_view name, std::string_view content);
    void put_file_header();
    void put(ByteView bytes);
    void pad();
    std::string path_of(std::string_view name) const;

    ByteSink& out_;
    std::string path_;
    std::vector<std::size_t> path_lengths_;
    model::FileEntry file_;
    bool is_header_due_ = false;
    std::uint64_t left_ = 0;  // of the open file
    std::uint64_t written_ = 0;
    std::unordered_set<std::string> abandoned_;  // files with several names
    volume::SinkResult result_;
};

}  // namespace backup::restore
