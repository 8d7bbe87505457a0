// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/sweep.hpp"

#include "core/base/error.hpp"
#include "core/base/stop_on_signal.hpp"
#include "core/base/text.hpp"
#include "core/repository/blob_name.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace backup::maintenance {

using namespace repository;

namespace {

constexpr std::size_t kRecordsAtOnce = std::size_t{1} << 18U;

/// Writes what stays of some segments into new ones. Only the last of them names those that it
/// replaces: until it is there the old ones count.
class IndexRewriter {
  public:
    IndexRewriter(const Repository& repository, const Surroundings& surroundings)
        : repository_(repository),
          surroundings_(surroundings) {}

    void add(const SegmentUse& segment, const std::set<content::Digest>& dead) {
        std::vector<std::optional<std::uint32_t>> numbers(segment.packs.size());
        std::vector<bool> is_dead;
        for (const auto& pack : segment.packs) {
            is_dead.push_back(dead.contains(pack.name));
        }
        segment.reader->for_each([&](const IndexRecord& record) {
            if (is_dead[record.pack]) {
                return;
            }
            if (next_.records.size() >= kRecordsAtOnce) {
                put();
                std::fill(numbers.begin(), numbers.end(), std::nullopt);
            }
            auto& number = numbers[record.pack];
            if (!number) {
                number = number_of(segment.packs[record.pack]);
            }
            next_.records.push_back(record);
            next_.records.back().pack = *number;
        });
    }

    /// Returns how many segments were written.
    std::uint64_t finish(std::vector<content::Digest> segments,
                         const std::set<content::Digest>& packs) {
        // Where nothing stays and no name has to be known, there is nothing to write.
        if (!next_.records.empty() || !packs.empty() || written_ > 0) {
            repository_.backend().sync();
            next_.replaced = std::move(segments);
            next_.replaced.insert(next_.replaced.end(), packs.begin(), packs.end());
            put();
            repository_.backend().sync();
        }
        return written_;
    }

  private:
    std::uint32_t number_of(const IndexedPack& pack) {
        const auto [place, is_new] =
            numbers_.try_emplace(pack.name, static_cast<std::uint32_t>(next_.packs.size()));
        if (is_new) {
            next_.packs.push_back(pack);
        }
        return place->second;
    }

    void put() {
        throw_if_stopped(surroundings_.stop);
        std::sort(
            next_.records.begin(),
            next_.records.end(),
            [](const IndexRecord& left, const IndexRecord& right) { return left.id < right.id; });
        const auto blob = encode_index(repository_, next_, surroundings_.random);
        repository_.backend().put(index_name(content::sha256(blob)), blob);
        ++written_;
        next_ = {};
        numbers_.clear();
    }

    const Repository& repository_;
    const Surroundings& surroundings_;
    IndexSegment next_;
    std::map<content::Digest, std::uint32_t> numbers_;
    std::uint64_t written_ = 0;
};

class Sweep {
  public:
    Sweep(const Repository& repository,
          const Census& census,
          const std::set<content::Digest>& packs,
          const Surroundings& surroundings)
        : repository_(repository),
          census_(census),
          packs_(packs),
          surroundings_(surroundings),
          dead_(packs) {
        for (const auto& use : census.packs()) {
            // Entries of a pack that is gone help nobody, unless it was needed: then they tell what
            // is lost.
            if (!use.is_present && !use.is_missed) {
                dead_.insert(use.pack.name);
            }
        }
    }

    SweepResult run() {
        rewrite_index();
        remove_packs();
        return result_;
    }

  private:
    bool is_to_go(const SegmentUse& segment) const {
        return segment.is_superfluous || is_useless(segment) ||
               std::any_of(segment.packs.begin(), segment.packs.end(), [this](const auto& pack) {
                   return dead_.contains(pack.name);
               });
    }

    /// Names no chunk, and nothing that anybody would miss.
    bool is_useless(const SegmentUse& segment) const {
        const auto& names = segment.replaced;
        return segment.packs.empty() &&
               std::none_of(names.begin(), names.end(), [this](const auto& name) {
                   return census_.is_listed(name) || census_.has_segment(name);
               });
    }

    void rewrite_index() {
        IndexRewriter rewriter(repository_, surroundings_);
        std::vector<content::Digest> old;
        std::vector<std::string> blobs;
        std::set<content::Digest> forgiven;
        for (const auto& segment : census_.segments()) {
            if (!is_to_go(segment)) {
                continue;
            }
            throw_if_stopped(surroundings_.stop);
            old.push_back(segment.reader->digest());
            blobs.push_back(segment.reader->name());
            if (!segment.is_superfluous) {
                rewriter.add(segment, dead_);
            }
            for (const auto& name : segment.replaced) {
                add_forgiven(name, forgiven);
            }
        }
        for (const auto& pack : packs_) {
            add_forgiven(pack, forgiven);
        }
        if (old.empty() && forgiven.empty()) {
            return;
        }
        result_.segments_written = rewriter.finish(std::move(old), forgiven);
        for (const auto& blob : blobs) {
            repository_.backend().remove(blob);
            ++result_.segments_removed;
        }
        repository_.backend().sync();
    }

    /// A pack that a point still lists, but that nobody is to miss. It may be there still, when
    /// another sweep is about to remove it.
    void add_forgiven(const content::Digest& name, std::set<content::Digest>& forgiven) const {
        if (census_.is_listed(name)) {
            forgiven.insert(name);
        }
    }

    void remove_packs() {
        auto& backend = repository_.backend();
        std::set<std::string> parity;
        backend.list(kParityFolder,
                     [&parity](const backend::BlobInfo& info) { parity.insert(info.name); });
        for (const auto& pack : packs_) {
            throw_if_stopped(surroundings_.stop);
            const auto* const use = census_.find(pack);
            backend.remove(pack_name(pack));
            if (const auto name = parity_name(pack); parity.contains(name)) {
                backend.remove(name);
            }
            if (use != nullptr && use->is_present) {
                ++result_.packs;
                result_.bytes += use->stored_bytes;
                surroundings_.progress.advance(1, use->stored_bytes);
            }
        }
        backend.sync();
    }

    const Repository& repository_;
    const Census& census_;
    const std::set<content::Digest>& packs_;
    const Surroundings& surroundings_;
    std::set<content::Digest> dead_;
    SweepResult result_;
};

}  // namespace

std::set<content::Digest> choose_removable(const Census& census,
                                           const std::vector<content::Digest>& condemned) {
    std::set<content::Digest> removable;
    for (const auto& pack : condemned) {
        const auto* const use = census.find(pack);
        const bool is_kept =
            use != nullptr && use->is_present &&
            (use->is_last_place || (use->is_listed && !use->holds_live && !use->is_replaced));
        if (!is_kept) {
            removable.insert(pack);
        }
    }
    return removable;
}

SweepResult sweep(const Repository& repository,
                  const Census& census,
                  const std::set<content::Digest>& packs,
                  const Surroundings& surroundings) {
    return Sweep(repository, census, packs, surroundings).run();
}

}  // namespace backup::maintenance
