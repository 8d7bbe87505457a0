// SPDX-License-Identifier: Apache-2.0
// Reads files of a volume into chunks, holes and inline bytes. One object per reading thread.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/volume/content_stage.hpp"
#include "core/volume/open_chain.hpp"

#include <memory>
#include <string>
#include <sys/stat.h>
#include <vector>

namespace backup::volume {

/// A regular file that was announced and may be asked for.
struct FileToRead {
    std::uint64_t number = 0;
    std::shared_ptr<const std::string> directory;  // path below the root
    std::string name;
    std::uint64_t size = 0;
};

class FileReader {
  public:
    FileReader(const ReadTask& task, int root, ContentStage& stage, Clock& clock);

    /// Whatever is wrong with a file is told to the client; throws only for what ends the run.
    void read(const std::vector<FileToRead>& files, const std::stop_token& stop);
    /// The volume is one block device: `device` is open.
    void read_device(int device, std::uint64_t size, const std::stop_token& stop);

    /// Sends what is collected.
    void flush(const std::stop_token& stop) { stage_.flush(batch_, stop); }

  private:
    struct Extent {
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
    };

    /// Opened while those before it are read, so that the disk brings its bytes meanwhile.
    struct OpenFile {
        FileDescriptor file;
        int error = 0;
    };

    OpenFile open_ahead(const FileToRead& file);
    FileDescriptor open(const FileToRead& file);
    void read(const FileToRead& file, const OpenFile& opened, const std::stop_token& stop);
    std::size_t read_at(int file,
                        std::span<std::byte> out,
                        std::uint64_t offset,
                        const std::stop_token& stop);
    void read_content(int file,
                      const struct stat& status,
                      FileEnd& end,
                      const std::stop_token& stop);
    std::uint64_t read_small(int file, std::uint64_t size, const std::stop_token& stop);
    std::uint64_t read_extents(int file, std::uint64_t size, const std::stop_token& stop);
    std::uint64_t read_extent(int file, Extent extent, const std::stop_token& stop);
    void add_chunk(ByteView bytes, const std::stop_token& stop);
    void add_hole(std::uint64_t length);

    const ReadTask& task_;
    ContentStage& stage_;
    Clock& clock_;
    content::Chunker chunker_;
    content::ChunkHasher hasher_;
    OpenBatch batch_;
    Bytes buffer_;
    int read_error_ = 0;  // of the current file
    // Files of one directory come together: it stays open.
    std::shared_ptr<const std::string> open_path_;
    int open_directory_ = -1;
    OpenChain chain_;
};

}  // namespace backup::volume
