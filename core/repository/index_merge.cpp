// SPDX-License-Identifier: Apache-2.0
#include "core/repository/index_merge.hpp"

#include "core/repository/index_writer.hpp"

#include <algorithm>
#include <array>
#include <queue>
#include <utility>

namespace backup::repository {

namespace {

constexpr unsigned kTierBits = 3;
// The first tier: as many records as fit two blocks.
constexpr std::uint64_t kFirstTierRecords = 2 * std::uint64_t{format::kRecordsPerBlock};

std::size_t tier_of(std::uint64_t records) {
    std::size_t tier = 0;
    for (auto limit = kFirstTierRecords; records >= limit; limit <<= kTierBits) {
        ++tier;
    }
    return tier;
}

/// The records of one segment in order, numbered as the new one numbers packs.
class RecordCursor {
  public:
    RecordCursor(const IndexReader& reader, std::vector<std::uint32_t> packs)
        : reader_(&reader),
          packs_(std::move(packs)) {
        load();
    }

    bool is_at_end() const { return records_.empty(); }

    const IndexRecord& record() const { return records_[at_]; }

    void advance() {
        if (++at_ == records_.size()) {
            load();
        }
    }

  private:
    void load() {
        at_ = 0;
        records_.clear();
        if (next_block_ < reader_->block_count()) {
            records_ = reader_->read_block(next_block_++);
            for (auto& record : records_) {
                record.pack = packs_[record.pack];
            }
        }
    }

    const IndexReader* reader_;
    std::vector<std::uint32_t> packs_;
    std::vector<IndexRecord> records_;
    std::size_t at_ = 0;
    std::uint32_t next_block_ = 0;
};

/// Leaves out a place that was named before. Those of one chunk come one behind the other.
class DistinctRecords {
  public:
    explicit DistinctRecords(IndexWriter& out) : out_(out) {}

    void add(const IndexRecord& record) {
        if (!same_id_.empty() && same_id_.front().id != record.id) {
            same_id_.clear();
        }
        if (std::find(same_id_.begin(), same_id_.end(), record) != same_id_.end()) {
            return;
        }
        // More places than anybody looks at need not be told apart.
        if (same_id_.size() < kMostPlacesCompared) {
            same_id_.push_back(record);
        }
        out_.add(record);
    }

  private:
    static constexpr std::size_t kMostPlacesCompared = 64;

    IndexWriter& out_;
    std::vector<IndexRecord> same_id_;
};

void merge_records(std::vector<RecordCursor>& cursors, IndexWriter& out) {
    const auto is_later = [](const RecordCursor* left, const RecordCursor* right) {
        return right->record().id < left->record().id;
    };
    std::priority_queue<RecordCursor*, std::vector<RecordCursor*>, decltype(is_later)> heap(
        is_later);
    for (auto& cursor : cursors) {
        if (!cursor.is_at_end()) {
            heap.push(&cursor);
        }
    }
    DistinctRecords records(out);
    while (!heap.empty()) {
        auto* const cursor = heap.top();
        heap.pop();
        records.add(cursor->record());
        cursor->advance();
        if (!cursor->is_at_end()) {
            heap.push(cursor);
        }
    }
}

}  // namespace

std::vector<std::size_t> choose_merge(const std::vector<std::uint64_t>& record_counts) {
    std::vector<std::vector<std::size_t>> tiers;
    for (std::size_t i = 0; i < record_counts.size(); ++i) {
        const auto tier = tier_of(record_counts[i]);
        tiers.resize(std::max(tiers.size(), tier + 1));
        tiers[tier].push_back(i);
    }
    for (auto& tier : tiers) {
        if (tier.size() < kFewestMerged) {
            continue;
        }
        std::sort(tier.begin(), tier.end(), [&](std::size_t left, std::size_t right) {
            return record_counts[left] < record_counts[right];
        });
        std::vector<std::size_t> chosen;
        std::uint64_t records = 0;
        for (const auto i : tier) {
            records += record_counts[i];
            if (records > kMostMergedRecords || chosen.size() == kMostMerged) {
                break;
            }
            chosen.push_back(i);
        }
        if (chosen.size() > 1) {
            return chosen;
        }
    }
    return {};
}

MergedIndex merge_index(const Repository& repository,
                        std::span<const std::shared_ptr<const IndexReader>> segments,
                        Random& random) {
    IndexWriter out(repository, random);
    std::vector<RecordCursor> cursors;
    cursors.reserve(segments.size());
    for (const auto& segment : segments) {
        const auto tables = segment->read_tables();
        std::vector<std::uint32_t> packs;
        packs.reserve(tables.packs.size());
        for (const auto& pack : tables.packs) {
            packs.push_back(out.add_pack(pack));
        }
        out.add_replaced(segment->digest());
        // A pack that was replaced may still be named by a point; and what was replaced long ago
        // must not count again when this segment's name is all that is left of it.
        for (const auto& name : tables.replaced) {
            out.add_replaced(name);
        }
        cursors.emplace_back(*segment, std::move(packs));
    }
    merge_records(cursors, out);
    MergedIndex merged;
    merged.digest = out.commit();
    merged.records = out.record_count();
    merged.stored_bytes = out.stored_bytes();
    return merged;
}

std::uint64_t compact_index(const Repository& repository, IndexReaders segments, Random& random) {
    std::uint64_t written = 0;
    for (;;) {
        std::vector<std::uint64_t> counts;
        for (const auto& segment : segments) {
            counts.push_back(segment->record_count());
        }
        auto chosen = choose_merge(counts);
        if (chosen.empty()) {
            break;
        }
        IndexReaders inputs;
        std::sort(chosen.begin(), chosen.end());
        for (auto at = chosen.rbegin(); at != chosen.rend(); ++at) {
            inputs.push_back(segments[*at]);
            segments.erase(segments.begin() + static_cast<std::ptrdiff_t>(*at));
        }
        const auto merged = merge_index(repository, inputs, random);
        written += merged.stored_bytes;
        IndexTables tables;
        segments.push_back(std::make_shared<const IndexReader>(
            repository, merged.digest, merged.stored_bytes, tables));
    }
    if (written > 0) {
        repository.backend().sync();
    }
    return written;
}

}  // namespace backup::repository
