// SPDX-License-Identifier: Apache-2.0
// What a collection has condemned: packs that nothing new may rely on and that go away once every
// session that does not know of it has ended (docs/format.md section 9).
#pragma once

#include "core/base/error.hpp"
#include "core/repository/repository.hpp"

#include <functional>
#include <string>
#include <vector>

namespace backup::repository {

struct Generation {
    std::string id;                      // random, never used again
    std::vector<content::Digest> packs;  // sorted
    std::vector<std::string> replaces;   // ids of damaged ones in whose place it is
    TimePoint made;                      // by the clock of whoever made it: for people only
    std::int64_t modified_seconds = 0;   // by the storage's clock; not stored
};

/// The ids alone: cheap.
std::vector<std::string> list_generation_ids(const Repository& repository);

using OnDamagedGeneration = std::function<void(const std::string& blob, const Error& error)>;

/// Those that vanish meanwhile are left out: then their packs are gone. So are those in whose place
/// another one is, and they may be damaged. Any other that cannot be read, for whatever reason, is
/// told to `on_damaged` and left out; without it that throws.
std::vector<Generation> list_generations(const Repository& repository,
                                         const OnDamagedGeneration& on_damaged = {});

/// Every pack that any of them names, sorted.
std::vector<content::Digest> condemned_packs(const std::vector<Generation>& generations);

/// Fills in the id; visible when it returns, durable after the next sync.
Generation put_generation(const Repository& repository,
                          std::vector<content::Digest> packs,
                          TimePoint made,
                          Random& random,
                          std::vector<std::string> replaces = {});

Generation decode_generation(const Repository& repository, ByteView blob, const std::string& id);

}  // namespace backup::repository
