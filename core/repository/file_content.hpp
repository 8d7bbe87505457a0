// SPDX-License-Identifier: Apache-2.0
// Where the bytes of a file are: docs/format.md section 6.3.
#pragma once

#include "core/content/chunk_id.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace backup::repository {

struct Extent {
    content::ShortId chunk;  // all zeros: a hole
    std::uint64_t end = 0;   // offset in the file behind this extent

    bool operator==(const Extent&) const = default;
};

/// Bytes of the chunk of an extent, from `offset` in it on. Who asks knows how long the chunk is:
/// one of another length has not its name.
struct ChunkPiece {
    content::ShortId chunk;
    std::uint64_t chunk_bytes = 0;
    std::uint64_t offset = 0;
};

/// Inline bytes (a small file), or extents; neither for an empty file.
struct FileContent {
    std::string inline_bytes;
    std::vector<Extent> extents;

    bool operator==(const FileContent&) const = default;
};

}  // namespace backup::repository
