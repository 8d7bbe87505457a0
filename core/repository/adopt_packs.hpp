// SPDX-License-Identifier: Apache-2.0
// Packs that lie in the repository and in no index: what runs that died had stored by then. Once
// the index names them, the next run need not send their content again.
#pragma once

#include "core/base/random.hpp"
#include "core/repository/repository.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace backup::repository {

struct ListedPack {
    content::Digest name{};
    std::uint64_t size = 0;
};

/// Writes index segments that name the packs; returns the segments' names. The caller has a session
/// and made the list after it began (docs/format.md section 9), without condemned packs. A pack
/// whose tables are damaged, or that goes away meanwhile, is left out; one that a run beside this
/// one has just made is named twice, which is no harm. Memory: the records of about 2^17 chunks.
std::vector<content::Digest> adopt_packs(const Repository& repository,
                                         std::span<const ListedPack> packs,
                                         Random& random);

}  // namespace backup::repository
