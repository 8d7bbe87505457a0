// SPDX-License-Identifier: Apache-2.0
#include "core/repository/chunk_claims.hpp"

#include "core/base/text.hpp"

namespace backup::repository {

// The index may have to read from storage, so it is asked without the lock. A claim that is dropped
// meanwhile is in the index by then: it is asked again.
bool ChunkClaims::is_known(const content::ShortId& id, bool claim) {
    for (;;) {
        std::uint64_t drops = 0;
        {
            auto claims = claims_.lock();
            if (is_claimed(*claims, id)) {
                return true;
            }
            drops = claims->drops;
        }
        const auto pack = find_usable_pack(id);
        auto claims = claims_.lock();
        if (pack) {
            claims->needed_packs.insert(*pack);
            return true;
        }
        if (is_claimed(*claims, id)) {
            return true;
        }
        if (claims->drops == drops) {
            if (claim) {
                claims->chunks.emplace(id, State::Claimed);
            }
            return false;
        }
    }
}

bool ChunkClaims::is_claimed(Claims& claims, const content::ShortId& id) const {
    const auto found = claims.chunks.find(id);
    if (found == claims.chunks.end()) {
        return false;
    }
    if (found->second == State::Claimed) {
        found->second = State::ReliedOn;
    }
    return true;
}

std::optional<content::Digest> ChunkClaims::find_usable_pack(const content::ShortId& id) const {
    const auto place = known_.find(id);
    if (!place) {
        return std::nullopt;
    }
    if (is_usable_(place->pack)) {
        return place->pack;
    }
    for (const auto& other : known_.find_all(id)) {
        if (is_usable_(other.pack)) {
            return other.pack;
        }
    }
    return std::nullopt;
}

void ChunkClaims::note_added(std::span<const content::ShortId> ids) {
    auto claims = claims_.lock();
    for (const auto& id : ids) {
        claims->chunks.insert_or_assign(id, State::Added);
    }
}

void ChunkClaims::drop_indexed(std::span<const IndexRecord> records) {
    auto claims = claims_.lock();
    ++claims->drops;
    for (const auto& record : records) {
        const auto found = claims->chunks.find(record.id);
        if (found != claims->chunks.end() && found->second == State::Added) {
            claims->chunks.erase(found);
        }
    }
}

void ChunkClaims::check() const {
    auto claims = claims_.lock();
    for (const auto& [id, state] : claims->chunks) {
        if (state == State::ReliedOn) {
            throw Error(ErrorCode::Incomplete,
                        concat("chunk ",
                               id.hex(),
                               " was to come from a part of the backup that failed, and another"
                               " part needs it"))
                .hint("run the backup again");
        }
    }
}

std::vector<content::Digest> ChunkClaims::needed_packs() const {
    auto claims = claims_.lock();
    return {claims->needed_packs.begin(), claims->needed_packs.end()};
}

std::size_t ChunkClaims::held() const {
    return claims_.lock()->chunks.size();
}

}  // namespace backup::repository
