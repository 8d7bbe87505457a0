// SPDX-License-Identifier: Apache-2.0
// Which chunks a run need not send: those the repository has, and those somebody of this run has
// taken upon himself. Knows the index, not packs or points. All functions may be called from any
// thread.
#pragma once

#include "core/base/synchronized.hpp"
#include "core/repository/chunk_store.hpp"

#include <functional>
#include <set>
#include <span>
#include <unordered_map>
#include <vector>

namespace backup::repository {

class ChunkClaims {
  public:
    /// Whether the run may rely on a pack that was there before it.
    using IsUsable = std::function<bool(const content::Digest& pack)>;

    ChunkClaims(const ChunkStore& known, IsUsable is_usable)
        : known_(known),
          is_usable_(std::move(is_usable)) {}

    /// True when the chunk need not be sent; its pack counts as needed then. Otherwise, with
    /// `claim`, it is the caller's from now on, who must add it.
    bool is_known(const content::ShortId& id, bool claim);

    void note_added(std::span<const content::ShortId> ids);

    /// They are in packs of this run and the index `known` uses now: the claims are not needed any
    /// more.
    void drop_indexed(std::span<const IndexRecord> records);

    /// Throws Incomplete when somebody relies on a chunk that was claimed and never added.
    void check() const;

    /// Packs that chunks were found in; some may be of this run.
    std::vector<content::Digest> needed_packs() const;
    /// Claims that are kept at this moment.
    std::size_t held() const;

  private:
    enum class State : std::uint8_t { Claimed, ReliedOn, Added };

    struct Claims {
        std::unordered_map<content::ShortId, State> chunks;
        std::set<content::Digest> needed_packs;
        std::uint64_t drops = 0;  // how many times drop_indexed() was called
    };

    bool is_claimed(Claims& claims, const content::ShortId& id) const;
    std::optional<content::Digest> find_usable_pack(const content::ShortId& id) const;

    const ChunkStore& known_;
    const IsUsable is_usable_;
    mutable Synchronized<Claims> claims_;
};

}  // namespace backup::repository
