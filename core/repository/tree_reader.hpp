// SPDX-License-Identifier: Apache-2.0
// Reads trees page by page: a lookup or a listing touches only the pages it needs. Decoded pages
// are cached. All functions may be called from any thread; all throw CorruptData on damage.
#pragma once

#include "core/base/byte_chain.hpp"
#include "core/model/file_entry.hpp"
#include "core/repository/directory_ref.hpp"
#include "core/repository/file_content.hpp"
#include "core/repository/page_store.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace backup::repository {

class PageCache;
struct PointRecord;

/// An entry as a tree holds it. Content is loaded on request: load_content().
struct TreeEntry {
    model::FileEntry attributes;
    DirectoryRef directory;      // of a directory: where its own entries are
    std::uint64_t position = 0;  // page ordinal << 20 | index in page: stable for this tree
    content::ShortId page;       // the page that holds this record
    std::uint32_t index = 0;     // and its number there
};

inline constexpr unsigned kPositionIndexBits = 20;

struct DirectorySummary {
    std::uint64_t entries = 0;
    std::uint32_t subdirectories = 0;
};

struct TreeReaderOptions {
    std::uint64_t page_cache_bytes = 32U << 20U;
};

class TreeReader {
  public:
    /// `pages` in the order of the point's page table (may be empty: positions are 0 then).
    TreeReader(ChunkStore& chunks,
               DirectoryRef root,
               std::vector<content::ShortId> pages,
               TreeReaderOptions options = {});
    TreeReader(std::shared_ptr<PageSource> source,
               DirectoryRef root,
               std::vector<content::ShortId> pages,
               TreeReaderOptions options = {});
    /// Trees of one repository share pages, so they may share their cache.
    TreeReader(std::shared_ptr<PageCache> cache,
               DirectoryRef root,
               std::vector<content::ShortId> pages);
    ~TreeReader();
    TreeReader(const TreeReader&) = delete;
    TreeReader& operator=(const TreeReader&) = delete;

    /// The tree of a committed point.
    static std::unique_ptr<TreeReader> open(ChunkStore& chunks,
                                            const PointRecord& record,
                                            TreeReaderOptions options = {});
    static std::unique_ptr<TreeReader> open(ChunkStore& chunks,
                                            std::shared_ptr<PageCache> cache,
                                            const PointRecord& record);

    DirectoryRef root() const;
    DirectorySummary summarize(const DirectoryRef& directory);

    std::optional<TreeEntry> find(const DirectoryRef& directory, std::string_view name);

    /// Entries from number `first` on, in name order, until `visit` returns false.
    void list(const DirectoryRef& directory,
              std::uint64_t first,
              const std::function<bool(const TreeEntry&)>& visit);

    /// The entry at a position (an inode number of a mount); throws CorruptData when there is none.
    TreeEntry at(std::uint64_t position);

    FileContent load_content(const TreeEntry& entry);

    /// Bytes of a regular file, holes as zeros; returns the count, short only at the end of the
    /// file. Throws Io when the content could not be read at the time of the backup.
    std::size_t read(const TreeEntry& entry, std::uint64_t offset, std::span<std::byte> out);

    /// Where one read from `offset` should end, behind it in a file that is longer. When a file is
    /// read from its beginning in such pieces each chunk of up to 16 MiB is read as a whole, and
    /// its name is proved. No piece is longer than that, in holes and without extents than 1 MiB.
    std::uint64_t piece_end(const TreeEntry& entry, std::uint64_t offset);

    /// The same bytes as pieces of what is decoded already; for those who read in order and come
    /// back for the neighbours (a mount).
    ByteChain collect(const TreeEntry& entry, std::uint64_t offset, std::uint64_t size);

    /// Bytes of a regular file that are not holes.
    std::uint64_t allocated_bytes(const TreeEntry& entry);

    /// Offset of the next data (or hole) at or behind `offset`, as lseek(2) SEEK_DATA and
    /// SEEK_HOLE; nothing when there is no data behind it. The end of the file is a hole.
    std::optional<std::uint64_t> seek_data(const TreeEntry& entry, std::uint64_t offset);
    std::uint64_t seek_hole(const TreeEntry& entry, std::uint64_t offset);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace backup::repository
