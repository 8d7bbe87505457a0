// SPDX-License-Identifier: Apache-2.0
#include "core/repository/chunk_index.hpp"

#include "core/base/patience.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/repository/blob_name.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

namespace backup::repository {

namespace {

// A list is old as soon as it is read; so often a segment may vanish right then.
constexpr int kMostLists = 8;

/// Anything else may pass.
bool is_damage(const Error& error) {
    return error.code() == ErrorCode::CorruptData || error.code() == ErrorCode::UnknownFormat;
}

}  // namespace

ChunkIndex::ChunkIndex(const Repository& repository, ChunkIndexOptions options)
    : repository_(repository),
      options_(std::move(options)),
      view_(std::make_shared<const View>()),
      blocks_(options_.cache_bytes) {}

bool ChunkIndex::refresh() {
    need_patience();
    const std::scoped_lock lock(loading_);
    bool any_came = false;
    for (int i = 0; i < kMostLists; ++i) {
        const auto listed = list_index_segments(repository_);
        if (listed.size() < known_.size() && !repository_exists(repository_.backend())) {
            // A disk that went away leaves an empty directory behind, and comes back.
            throw Error(
                ErrorCode::NoRepository,
                concat("the repository is not at ", repository_.backend().location(), " any more"));
        }
        forget_vanished(listed);
        bool some_vanished = false;
        any_came = open_new(listed, some_vanished) || any_came;
        if (!some_vanished) {
            break;
        }
    }
    exchange_view();
    return any_came;
}

void ChunkIndex::forget_vanished(const std::vector<ListedSegment>& listed) {
    bool was_replacing = false;
    const auto is_gone = [&](const auto& known) {
        const auto place = std::lower_bound(
            listed.begin(), listed.end(), known.first, [](const auto& left, const auto& name) {
                return left.digest < name;
            });
        if (place != listed.end() && place->digest == known.first) {
            return false;
        }
        was_replacing = was_replacing || !known.second.replaced.empty();
        return true;
    };
    std::erase_if(known_, is_gone);
    if (was_replacing) {
        // What it replaced and is still there counts again.
        std::erase_if(known_, [](const auto& known) { return known.second.segment == nullptr; });
    }
}

// The largest first: what they were made from need not be opened at all then.
bool ChunkIndex::open_new(std::vector<ListedSegment> listed, bool& some_vanished) {
    std::sort(listed.begin(), listed.end(), [](const auto& left, const auto& right) {
        return left.blob_bytes > right.blob_bytes;
    });
    std::set<content::Digest> replaced;
    for (const auto& [digest, known] : known_) {
        replaced.insert(known.replaced.begin(), known.replaced.end());
    }
    bool any_came = false;
    for (const auto& [digest, blob_bytes] : listed) {
        if (known_.contains(digest)) {
            continue;
        }
        Known known;
        const auto failure = failure_of([&] {
            if (!replaced.contains(digest)) {
                known = open(digest, blob_bytes);
            }
        });
        if (failure && failure->code() == ErrorCode::NotFound) {
            some_vanished = true;
            continue;
        }
        if (failure && !report(index_name(digest), *failure)) {
            throw Error(*failure);
        }
        if (failure && !is_damage(*failure)) {
            continue;
        }
        any_came = any_came || known.segment != nullptr;
        replaced.insert(known.replaced.begin(), known.replaced.end());
        known_.emplace(digest, std::move(known));
    }
    return any_came;
}

void ChunkIndex::add(const content::Digest& segment) {
    const std::scoped_lock lock(loading_);
    if (!known_.contains(segment)) {
        const auto blob_bytes = repository_.backend().size(index_name(segment));
        known_.emplace(segment, open(segment, blob_bytes));
        exchange_view();
    }
}

ChunkIndex::Known ChunkIndex::open(const content::Digest& digest, std::uint64_t blob_bytes) {
    Known known;
    IndexTables tables;
    auto segment = std::make_shared<Segment>();
    segment->reader = std::make_unique<IndexReader>(repository_, digest, blob_bytes, tables);
    segment->number = next_segment_++;
    segment->packs.reserve(tables.packs.size());
    known.replaced = std::move(tables.replaced);
    {
        const std::unique_lock lock(mutex_);
        for (const auto& pack : tables.packs) {
            segment->packs.push_back(packs_.add(pack));
        }
    }
    known.segment = std::move(segment);
    return known;
}

void ChunkIndex::exchange_view() {
    auto next = std::make_shared<View>();
    for (const auto& [digest, known] : known_) {
        for (const auto& name : known.replaced) {
            // Nothing can replace itself: it would be lost with nobody to take its place.
            if (name != digest) {
                next->replaced.insert(name);
            }
        }
    }
    for (auto& [digest, known] : known_) {
        if (next->replaced.contains(digest)) {
            known.segment = nullptr;
        } else if (known.segment != nullptr) {
            next->segments.push_back(known.segment);
        }
    }
    // The largest first: that is where a chunk most likely is.
    std::stable_sort(next->segments.begin(),
                     next->segments.end(),
                     [](const SegmentPointer& left, const SegmentPointer& right) {
                         return left->reader->record_count() > right->reader->record_count();
                     });
    const std::unique_lock lock(mutex_);
    view_ = std::move(next);
}

ChunkIndex::ViewPointer ChunkIndex::view() const {
    const std::shared_lock lock(mutex_);
    return view_;
}

bool ChunkIndex::report(const std::string& name, const Error& error) const {
    if (!options_.on_damaged || error.code() == ErrorCode::Interrupted) {
        return false;
    }
    if (reported_.lock()->insert(name).second) {
        if (const auto refusal = failure_of([&] { options_.on_damaged(name, error); })) {
            reported_.lock()->erase(name);
            throw Error(*refusal);
        }
    }
    return true;
}

IndexBlockCache::Block ChunkIndex::get_block(const Segment& segment, std::uint32_t block) const {
    if (auto cached = blocks_.find(segment.number, block)) {
        return cached;
    }
    need_patience();
    auto records = segment.reader->read_block(block);
    for (auto& record : records) {
        record.pack = segment.packs[record.pack];
    }
    auto shared = std::make_shared<const std::vector<IndexRecord>>(std::move(records));
    blocks_.insert(segment.number, block, shared);
    return shared;
}

/// False when `visit` wants no more.
bool ChunkIndex::visit_matches(const Segment& segment,
                               const content::ShortId& id,
                               const Visit& visit) const {
    const auto& fences = segment.reader->fences();
    for (auto block = segment.reader->first_block_of(id);
         block < fences.size() && fences[block] <= id;
         ++block) {
        const auto records = get_block(segment, block);
        auto at = std::lower_bound(records->begin(),
                                   records->end(),
                                   id,
                                   [](const IndexRecord& record, const content::ShortId& wanted) {
                                       return record.id < wanted;
                                   });
        for (; at != records->end() && at->id == id; ++at) {
            if (!visit(*at)) {
                return false;
            }
        }
    }
    return true;
}

// One damaged segment must not hide what another one says.
void ChunkIndex::look_up(const content::ShortId& id, const Visit& visit) const {
    std::optional<Error> problem;
    bool found = false;
    const auto note = [&](const IndexRecord& record) {
        found = true;
        return visit(record);
    };
    const auto view = this->view();
    for (const auto& segment : view->segments) {
        if (!segment->reader->may_contain(id)) {
            continue;
        }
        bool wants_more = true;
        auto failure = failure_of([&] { wants_more = visit_matches(*segment, id, note); });
        if (!wants_more) {
            return;
        }
        if (failure && failure->code() == ErrorCode::Interrupted) {
            throw Error(*failure);
        }
        const bool is_gone = failure && failure->code() == ErrorCode::NotFound;
        if (failure && (is_gone || !report(segment->reader->name(), *failure))) {
            problem = std::move(failure);
        }
    }
    if (problem && !found) {
        throw Error(*problem);
    }
}

std::vector<IndexRecord> ChunkIndex::find_all(const content::ShortId& id) const {
    std::vector<IndexRecord> found;
    look_up(id, [&found](const IndexRecord& record) {
        if (std::find(found.begin(), found.end(), record) == found.end()) {
            found.push_back(record);
        }
        return found.size() < kMostPlaces;
    });
    return found;
}

std::optional<IndexRecord> ChunkIndex::find(const content::ShortId& id) const {
    std::optional<IndexRecord> found;
    look_up(id, [&found](const IndexRecord& record) {
        found = record;
        return false;
    });
    return found;
}

IndexedPack ChunkIndex::pack(std::uint32_t number) const {
    const std::shared_lock lock(mutex_);
    return packs_.at(number);
}

std::vector<IndexedPack> ChunkIndex::list_packs() const {
    const std::shared_lock lock(mutex_);
    std::vector<bool> is_used(packs_.size());
    for (const auto& segment : view_->segments) {
        for (const auto number : segment->packs) {
            is_used[number] = true;
        }
    }
    std::vector<IndexedPack> packs;
    for (std::uint32_t number = 0; number < is_used.size(); ++number) {
        if (is_used[number]) {
            packs.push_back(packs_.at(number));
        }
    }
    return packs;
}

std::size_t ChunkIndex::unread_segments() const {
    return reported_.lock()->size();
}

std::uint64_t ChunkIndex::chunk_count() const {
    std::uint64_t count = 0;
    for (const auto& segment : view()->segments) {
        count += segment->reader->record_count();
    }
    return count;
}

bool ChunkIndex::is_superseded(const content::Digest& name) const {
    return view()->replaced.contains(name);
}

std::vector<std::shared_ptr<const IndexReader>> ChunkIndex::list_segments() const {
    std::vector<std::shared_ptr<const IndexReader>> readers;
    for (const auto& segment : view()->segments) {
        readers.emplace_back(segment, segment->reader.get());
    }
    return readers;
}

}  // namespace backup::repository
