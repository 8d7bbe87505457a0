// SPDX-License-Identifier: Apache-2.0
#include "core/repository/pack_pipeline.hpp"

#include "core/base/text.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/index_writer.hpp"

#include <algorithm>
#include <utility>

namespace backup::repository {

namespace {

constexpr std::size_t kWaitingGroups = 2;
constexpr std::size_t kWaitingPacks = 2;

// What is not indexed is kept in memory, and has to be looked at by the next run when this one dies
// (adopt_packs.hpp).
constexpr std::uint64_t kLargestUnindexed = std::uint64_t{2} << 30U;
constexpr std::size_t kMostUnindexed = std::size_t{1} << 17U;

// Tiny chunks would make a pack's table as large as the pack.
constexpr std::size_t kMostChunksInPack = std::size_t{1} << 15U;

}  // namespace

PackPipeline::PackPipeline(const Repository& repository, Random& random, OnIndexed on_indexed)
    : repository_(repository),
      random_(random),
      on_indexed_(std::move(on_indexed)),
      makes_parity_(repository.backend().exists(kParityMark)),
      jobs_(kWaitingGroups),
      finished_(kWaitingPacks) {
    threads_.start([this](const std::stop_token& stop) { run([&] { seal_groups(stop); }); });
    threads_.start([this](const std::stop_token& stop) { run([&] { commit_packs(stop); }); });
}

PackPipeline::~PackPipeline() = default;

void PackPipeline::add(content::FrameGroup group, BlobKind kind) {
    throw_if_failed();
    if (!jobs_.push({std::move(group), kind})) {
        throw_if_failed();
    }
}

void PackPipeline::drain() {
    throw_if_failed();
    const auto number = [&] {
        auto asked = drains_asked_.lock();
        jobs_.push({});
        return ++*asked;
    }();
    auto progress = progress_.lock();
    changed_.wait(progress.guard(),
                  [&] { return progress->drained >= number || progress->failure.has_value(); });
    if (progress->failure) {
        throw Error(*progress->failure);
    }
}

void PackPipeline::write_index() {
    const auto segment = take_unindexed();
    if (!segment.packs.empty()) {
        put_index(segment);
    }
}

IndexSegment PackPipeline::take_unindexed() {
    auto segment = [this] {
        auto progress = progress_.lock();
        progress->unindexed_bytes = 0;
        return std::exchange(progress->unindexed, {});
    }();
    std::sort(segment.records.begin(),
              segment.records.end(),
              [](const IndexRecord& left, const IndexRecord& right) { return left.id < right.id; });
    return segment;
}

content::Digest PackPipeline::put_index(const IndexSegment& segment) {
    auto& backend = repository_.backend();
    IndexWriter index(repository_, random_);
    for (const auto& pack : segment.packs) {
        index.add_pack(pack);
    }
    for (const auto& record : segment.records) {
        index.add(record);
    }
    backend.sync();
    const auto name = index.commit();
    backend.sync();
    progress_.lock()->stored_bytes += index.stored_bytes();
    return name;
}

std::vector<content::Digest> PackPipeline::list_packs() const {
    return progress_.lock()->packs;
}

std::uint64_t PackPipeline::stored_bytes() const {
    return progress_.lock()->stored_bytes;
}

void PackPipeline::seal_groups(const std::stop_token& stop) {
    Pack data;
    Pack metadata;
    while (auto job = jobs_.pop(stop)) {
        if (!job->group) {
            if (!finish_pack(data, stop) || !finish_pack(metadata, stop) ||
                !finished_.push(nullptr, stop)) {
                return;
            }
            continue;
        }
        auto& pack = job->kind == BlobKind::DataPack ? data : metadata;
        if (pack && !pack->has_room_for(*job->group) && !finish_pack(pack, stop)) {
            return;
        }
        if (!pack) {
            pack = std::make_unique<PackWriter>(repository_, job->kind, random_, makes_parity_);
        }
        if (!pack->has_room_for(*job->group)) {
            throw Error(ErrorCode::Internal, "a group of frames is larger than a pack may be");
        }
        pack->add(*job->group);
        const bool is_full = pack->stored_bytes() >= repository_.parameters().pack_bytes ||
                             pack->chunks().size() >= kMostChunksInPack;
        if (is_full && !finish_pack(pack, stop)) {
            return;
        }
    }
}

bool PackPipeline::finish_pack(Pack& pack, const std::stop_token& stop) {
    if (!pack) {
        return true;
    }
    pack->finish();
    return finished_.push(std::exchange(pack, nullptr), stop);
}

void PackPipeline::commit_packs(const std::stop_token& stop) {
    while (auto pack = finished_.pop(stop)) {
        if (*pack == nullptr) {
            ++progress_.lock()->drained;
            changed_.notify_all();
            continue;
        }
        (*pack)->commit();
        note_committed(**pack);
        if (!has_much_unindexed()) {
            continue;
        }
        const auto segment = take_unindexed();
        const auto name = put_index(segment);
        if (on_indexed_) {
            on_indexed_(name, segment.records);
        }
    }
}

bool PackPipeline::has_much_unindexed() const {
    auto progress = progress_.lock();
    return progress->unindexed_bytes >= kLargestUnindexed ||
           progress->unindexed.records.size() >= kMostUnindexed;
}

void PackPipeline::note_committed(const PackWriter& pack) {
    auto progress = progress_.lock();
    auto& segment = progress->unindexed;
    const auto number = static_cast<std::uint32_t>(segment.packs.size());
    segment.packs.push_back(pack.pack());
    // Pages that are not used cost nothing; growing would copy, and hold both for a moment.
    if (segment.records.empty()) {
        segment.records.reserve(kMostUnindexed + kMostChunksInPack);
    }
    for (const auto& chunk : pack.chunks()) {
        segment.records.push_back(
            {chunk.id.short_id(), number, chunk.first_frame, chunk.offset, chunk.length});
    }
    progress->packs.push_back(pack.pack().name);
    progress->stored_bytes += pack.pack().size;
    progress->unindexed_bytes += pack.pack().size;
}

template <typename Work>
void PackPipeline::run(Work work) {
    // The error has to reach whoever calls next, in any thread: so it is kept and copied.
    try {
        work();
    } catch (const Error& error) {
        fail(error);
    } catch (const std::exception& error) {
        fail({ErrorCode::Internal, concat("writing packs failed: ", error.what())});
    }
}

void PackPipeline::fail(const Error& error) {
    {
        auto progress = progress_.lock();
        if (!progress->failure) {
            progress->failure = error;
        }
    }
    jobs_.close();
    finished_.close();
    changed_.notify_all();
}

void PackPipeline::throw_if_failed() const {
    auto progress = progress_.lock();
    if (progress->failure) {
        throw Error(*progress->failure);
    }
}

}  // namespace backup::repository
