// SPDX-License-Identifier: Apache-2.0
// A directory of a tree: docs/format.md section 6.
#pragma once

#include "core/content/chunk_id.hpp"

#include <cstdint>

namespace backup::repository {

struct DirectoryRef {
    content::ShortId page;
    std::uint32_t slot = 0;

    bool operator==(const DirectoryRef&) const = default;
};

}  // namespace backup::repository
