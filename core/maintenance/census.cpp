// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/census.hpp"

#include "core/base/error.hpp"
#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"
#include "core/repository/blob_name.hpp"

#include <algorithm>
#include <utility>

namespace backup::maintenance {

using namespace repository;

namespace {

constexpr int kMostTries = 8;

/// The first place from `from` on that is not before `id`; cheap when it is near.
std::size_t gallop(std::span<const content::ShortId> ids,
                   std::size_t from,
                   const content::ShortId& id) {
    std::size_t step = 1;
    while (from + step < ids.size() && ids[from + step] < id) {
        step *= 2;
    }
    const auto begin = ids.begin() + static_cast<std::ptrdiff_t>(from + step / 2);
    const auto end = ids.begin() + static_cast<std::ptrdiff_t>(std::min(from + step, ids.size()));
    const auto found = std::lower_bound(std::min(begin, ids.end()), end, id);
    return static_cast<std::size_t>(found - ids.begin());
}

}  // namespace

Census::Census(const Repository& repository, const CensusInput& input, const std::stop_token& stop)
    : repository_(repository),
      live_(input.live),
      listed_(input.listed) {
    for (int tries = 1; !load_segments(stop); ++tries) {
        if (tries == kMostTries) {
            throw Error(ErrorCode::Incomplete, "the index changes faster than it can be read")
                .hint("run it again when fewer others work on the repository");
        }
    }
    // After the index: a pack that a segment names and that is not listed now is gone for good.
    list_present(input);
    find_keepers(stop);
    find_last_places(stop);
    count_kept();
    std::vector<Standing>().swap(standings_);
}

const PackUse* Census::find(const content::Digest& pack) const {
    const auto found = numbers_.find(pack);
    return found == numbers_.end() ? nullptr : &packs_[found->second];
}

bool Census::has_segment(const content::Digest& name) const {
    return std::any_of(segments_.begin(), segments_.end(), [&name](const SegmentUse& segment) {
        return segment.reader->digest() == name;
    });
}

bool Census::is_keeper(const PackUse& pack, const content::ShortId& id) const {
    const auto at = gallop(live_, 0, id);
    return at < live_.size() && live_[at] == id && keepers_[at] < packs_.size() &&
           &packs_[keepers_[at]] == &pack;
}

/// False when a segment vanished: somebody has replaced it meanwhile.
bool Census::load_segments(const std::stop_token& stop) {
    segments_.clear();
    std::set<content::Digest> replaced;
    for (const auto& listed : list_index_segments(repository_)) {
        throw_if_stopped(stop);
        IndexTables tables;
        auto& segment = segments_.emplace_back();
        const auto failure = failure_of([&] {
            segment.reader = std::make_shared<const IndexReader>(
                repository_, listed.digest, listed.blob_bytes, tables);
        });
        if (failure && failure->code() == ErrorCode::NotFound) {
            return false;
        }
        if (failure) {
            throw Error(*failure);
        }
        segment.packs = std::move(tables.packs);
        segment.replaced = std::move(tables.replaced);
        replaced.insert(segment.replaced.begin(), segment.replaced.end());
    }
    for (auto& segment : segments_) {
        segment.is_superfluous = replaced.contains(segment.reader->digest());
    }
    return true;
}

std::uint32_t Census::number_of(const content::Digest& pack) {
    const auto [place, is_new] =
        numbers_.try_emplace(pack, static_cast<std::uint32_t>(packs_.size()));
    if (is_new) {
        packs_.emplace_back().pack.name = pack;
    }
    return place->second;
}

void Census::list_present(const CensusInput& input) {
    repository_.backend().list(kPacksFolder, [this](const backend::BlobInfo& info) {
        if (const auto name = find_pack_digest(info.name)) {
            auto& use = packs_[number_of(*name)];
            use.is_present = true;
            use.stored_bytes = info.size;
        }
    });
    for (const auto& segment : segments_) {
        for (const auto& pack : segment.packs) {
            number_of(pack.name);
        }
        for (const auto& name : segment.replaced) {
            if (const auto pack = numbers_.find(name); pack != numbers_.end()) {
                packs_[pack->second].is_replaced = true;
            }
        }
    }
    for (auto& use : packs_) {
        const auto& name = use.pack.name;
        use.is_listed = listed_.contains(name);
        use.is_unsound = input.unsound.contains(name);
        use.is_condemned = std::binary_search(input.condemned.begin(), input.condemned.end(), name);
    }
}

/// `visit(number of the pack, place in live_ or kNowhere, record, number of the segment)`.
template <typename Visit>
void Census::for_each_live_record(const std::stop_token& stop, Visit visit) {
    for (std::size_t i = 0; i < segments_.size(); ++i) {
        if (segments_[i].is_superfluous) {
            continue;
        }
        throw_if_stopped(stop);
        std::vector<std::uint32_t> numbers;
        for (const auto& pack : segments_[i].packs) {
            const auto number = number_of(pack.name);
            packs_[number].pack = pack;
            packs_[number].is_indexed = true;
            numbers.push_back(number);
        }
        std::size_t at = 0;
        segments_[i].reader->for_each([&](const IndexRecord& record) {
            at = gallop(live_, at, record.id);
            const bool is_live = at < live_.size() && live_[at] == record.id;
            visit(numbers[record.pack], is_live ? at : std::size_t{kNowhere}, record, i);
        });
    }
}

Census::Standing Census::standing_of(const PackUse& use) {
    if (!use.is_whole()) {
        return Standing::None;
    }
    if (use.is_unsound) {
        return use.is_condemned ? Standing::UnsoundCondemned : Standing::Unsound;
    }
    return use.is_condemned ? Standing::Condemned : Standing::Sound;
}

/// Of two of one standing. Points' lists first, so that what is listed stays; then any order that
/// all agree on.
bool Census::is_better_keeper(std::uint32_t pack, std::uint32_t than) const {
    if (than >= packs_.size()) {
        return true;
    }
    const auto& left = packs_[pack];
    const auto& right = packs_[than];
    return left.is_listed != right.is_listed ? left.is_listed : left.pack.name < right.pack.name;
}

void Census::find_keepers(const std::stop_token& stop) {
    keepers_.assign(live_.size(), kNowhere);
    lengths_.assign(live_.size(), 0);
    standings_.assign(live_.size(), Standing::None);
    std::vector<std::size_t> counted_in(packs_.size(), segments_.size());
    for_each_live_record(
        stop,
        [&](std::uint32_t pack, std::size_t at, const IndexRecord& record, std::size_t segment) {
            auto& use = packs_[pack];
            // A pack that stands in two segments has each chunk only once all the same.
            if (counted_in[pack] == segments_.size()) {
                counted_in[pack] = segment;
            }
            use.all_bytes += counted_in[pack] == segment ? record.length : 0;
            if (at == std::size_t{kNowhere}) {
                return;
            }
            use.holds_live = true;
            const auto standing = standing_of(use);
            standings_[at] = std::min(standings_[at], standing);
            if (standing == Standing::Sound && is_better_keeper(pack, keepers_[at])) {
                keepers_[at] = pack;
                lengths_[at] = record.length;
            }
        });
}

/// Chunks without a sound place that stays take the best they have. Each condemned one of these is
/// noted, and one is to be copied from.
void Census::find_last_places(const std::stop_token& stop) {
    const auto is_sound = [](Standing standing) { return standing == Standing::Sound; };
    if (std::all_of(standings_.begin(), standings_.end(), is_sound)) {
        return;
    }
    for_each_live_record(
        stop, [&](std::uint32_t pack, std::size_t at, const IndexRecord& record, std::size_t) {
            if (at == std::size_t{kNowhere} || is_sound(standings_[at])) {
                return;
            }
            auto& use = packs_[pack];
            use.is_missed = use.is_missed || standings_[at] == Standing::None;
            if (standings_[at] == Standing::None || standing_of(use) != standings_[at]) {
                return;
            }
            use.is_last_place = use.is_last_place || use.is_condemned;
            if (is_better_keeper(pack, keepers_[at])) {
                keepers_[at] = pack;
                lengths_[at] = record.length;
            }
        });
}

void Census::count_kept() {
    for (std::size_t i = 0; i < live_.size(); ++i) {
        if (keepers_[i] < packs_.size()) {
            packs_[keepers_[i]].kept_bytes += lengths_[i];
        } else {
            ++lost_chunks_;
        }
    }
}

}  // namespace backup::maintenance
