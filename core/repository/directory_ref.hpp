// SPDX-License-Identifier: Apache-2.0
// A directory of a tree: docs/format.md section 6.
#pragma once

#include "core/content/chunk_id.hpp"

#include <cstddef>
#include <cstdint>

namespace backup::repository {

/// A backup goes 4096 directories deep (docs/mover.md); above a volume there are a few more.
inline constexpr std::size_t kDeepestDirectory = 4096 + 8;

struct DirectoryRef {
    content::ShortId page;
    std::uint32_t slot = 0;

    bool operator==(const DirectoryRef&) const = default;
};

}  // namespace backup::repository
