// SPDX-License-Identifier: Apache-2.0
// The bytes of a page, read: docs/format.md sections 6.1 to 6.3. A PageView proves all of a page
// once, so that every accessor afterwards is a few loads; it copies nothing.
#pragma once

#include "core/base/bytes.hpp"
#include "core/model/file_entry.hpp"
#include "core/repository/file_content.hpp"

#include <cstdint>
#include <string_view>

namespace backup::repository {

inline constexpr std::size_t kPageLimitBytes = 4U << 20U;
inline constexpr std::uint32_t kThisPage = 0xffffffffU;
inline constexpr std::size_t kExtentsInPage = 64;
inline constexpr std::size_t kExtentsInExtentPage = 2730;
inline constexpr unsigned kExtentDepthLimit = 4;
// Entries may share what stands in the heap: these bound what each of them costs a reader.
inline constexpr std::size_t kInlineLimitBytes = 64U << 10U;
inline constexpr std::size_t kLinkTargetLimitBytes = 4095;  // PATH_MAX of Linux, without its NUL
inline constexpr std::size_t kXattrCountLimit = 4096;
inline constexpr std::size_t kXattrLimitBytes = 1U << 20U;  // names and values of one entry
inline constexpr std::size_t kXattrNameLimitBytes = 255;

inline constexpr std::size_t kPageHeaderBytes = 32;
inline constexpr std::size_t kDirectoryBytes = 32;
inline constexpr std::size_t kEntryBytes = 72;
inline constexpr std::size_t kSliceBytes = 24;
inline constexpr std::size_t kPageReferenceBytes = 16;
inline constexpr std::size_t kExtentBytes = 24;

enum class ContentKind : std::uint8_t { None, Inline, Extents, Directory, Link, Device };

struct DirectoryRecord {
    std::uint32_t first_entry = 0;
    std::uint32_t entries = 0;
    std::uint32_t first_slice = 0;
    std::uint32_t slices = 0;
    std::uint32_t subdirectories = 0;  // of all slices
    std::uint64_t all_entries = 0;     // of all slices
};

/// The fixed part of an entry that lookups need; the rest comes with PageView::decode_entry.
struct EntryRecord {
    std::string_view name;
    model::FileType type = model::FileType::Regular;
    std::uint8_t flags = 0;
    std::uint64_t size = 0;
    ContentKind content = ContentKind::None;
    std::uint8_t depth = 0;  // of extents
    std::uint32_t a = 0;     // as section 6.2 says for each kind of content
    std::uint32_t b = 0;
};

struct SliceRecord {
    std::string_view first_name;
    std::uint32_t page = 0;  // number of a page reference, or kThisPage
    std::uint32_t slot = 0;
    std::uint32_t entries = 0;
};

class PageView {
  public:
    /// Checks everything; throws CorruptData saying what is wrong. `bytes` must outlive the view.
    explicit PageView(ByteView bytes);

    std::uint32_t directories() const { return directories_; }

    std::uint32_t entries() const { return entries_; }

    std::uint32_t page_references() const { return references_; }

    // Numbers must be below the counts: a record's own ranges are proven by then.
    DirectoryRecord directory(std::uint32_t number) const;
    EntryRecord entry(std::uint32_t number) const;
    std::string_view entry_name(std::uint32_t number) const;
    SliceRecord slice(std::uint32_t number) const;
    /// Of its entries, or the first names of its slices; the directory must not be empty.
    std::string_view first_name(const DirectoryRecord& directory) const;
    std::string_view last_name(const DirectoryRecord& directory) const;
    content::ShortId page_reference(std::uint32_t number) const;
    Extent extent(std::uint32_t number) const;
    std::string_view heap(std::uint32_t offset, std::uint32_t length) const;

    /// All of an entry but its content; throws CorruptData on damaged extended attributes.
    model::FileEntry decode_entry(std::uint32_t number) const;

  private:
    void check_directories() const;
    void check_slices(const DirectoryRecord& directory, std::uint32_t slot) const;
    void check_entries(const DirectoryRecord& directory, std::uint32_t slot) const;
    void check_entry(std::uint32_t number, std::uint32_t slot) const;
    void check_link(const EntryRecord& entry, std::uint32_t number) const;
    void check_extents(const EntryRecord& entry) const;
    void check_reference(std::uint32_t page, std::uint32_t slot, std::uint32_t from) const;
    void check_heap(std::uint32_t offset, std::uint32_t length, std::string_view what) const;
    std::vector<model::Xattr> decode_xattrs(std::uint32_t at) const;

    ByteView bytes_;
    std::uint32_t directories_ = 0;
    std::uint32_t entries_ = 0;
    std::uint32_t slices_ = 0;
    std::uint32_t references_ = 0;
    std::uint32_t extents_ = 0;
    std::uint32_t heap_bytes_ = 0;
    std::size_t entries_at_ = 0;
    std::size_t slices_at_ = 0;
    std::size_t references_at_ = 0;
    std::size_t extents_at_ = 0;
    std::size_t heap_at_ = 0;
};

/// An extent at any place: in a page or in an extent page.
Extent decode_extent(const std::byte* at);

}  // namespace backup::repository
