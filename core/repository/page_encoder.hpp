// SPDX-License-Identifier: Apache-2.0
// The bytes of a page, written: docs/format.md sections 6.1 to 6.3. Knows nothing of where pages
// are cut.
#pragma once

#include "core/model/file_entry.hpp"
#include "core/repository/file_content.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace backup::repository {

/// A directory record that an entry or a slice points to.
struct PageTarget {
    std::optional<content::ShortId> page;  // none: the page that holds this
    std::uint32_t slot = 0;  // in this page: counted from the record that holds the target, >= 1
};

struct EntryDraft {
    model::FileEntry attributes;
    FileContent content;  // of a regular file; at most kExtentsInPage extents
    std::uint8_t depth = 0;
    PageTarget target;  // of a directory
};

struct SliceDraft {
    std::string first_name;
    PageTarget target;
    std::uint32_t entries = 0;
    std::uint32_t subdirectories = 0;  // not stored: summed up by the record above
};

struct DirectoryDraft {
    std::vector<EntryDraft> entries;
    std::vector<SliceDraft> slices;
    std::uint32_t subdirectories = 0;
    std::uint64_t all_entries = 0;
};

/// Bytes an entry takes in a page, at most (names and attributes that repeat are stored once).
std::size_t encoded_bytes(const EntryDraft& entry);

/// Throws Internal when the page would be longer than the format allows.
Bytes encode_page(const std::vector<const DirectoryDraft*>& directories);

}  // namespace backup::repository
