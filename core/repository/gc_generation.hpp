// SPDX-License-Identifier: Apache-2.0
// What a collection has condemned: packs that nothing new may rely on and that go away once every
// session that does not know of it has ended (docs/format.md section 9).
#pragma once

#include "core/repository/repository.hpp"

#include <optional>
#include <string>
#include <vector>

namespace backup::repository {

struct Generation {
    std::string id;                      // random, never used again
    std::vector<content::Digest> packs;  // sorted
    TimePoint made;                      // by the clock of whoever made it: for people only
    std::int64_t modified_seconds = 0;   // by the storage's clock; not stored
};

/// The ids alone: cheap.
std::vector<std::string> list_generation_ids(const Repository& repository);

/// Those that vanish meanwhile are left out: then their packs are gone. Throws CorruptData.
std::vector<Generation> list_generations(const Repository& repository);

/// Every pack that any of them names, sorted.
std::vector<content::Digest> condemned_packs(const std::vector<Generation>& generations);

/// Fills in the id; visible when it returns, durable after the next sync.
Generation put_generation(const Repository& repository,
                          std::vector<content::Digest> packs,
                          TimePoint made,
                          Random& random);

Generation decode_generation(const Repository& repository, ByteView blob, const std::string& id);

}  // namespace backup::repository
