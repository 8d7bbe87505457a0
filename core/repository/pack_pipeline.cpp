// SPDX-License-Identifier: Apache-2.0
#include "core/repository/pack_pipeline.hpp"

#include "core/base/text.hpp"
#include "core/repository/blob_name.hpp"

#include <algorithm>
#include <utility>

namespace backup::repository {

namespace {

constexpr std::size_t kWaitingGroups = 4;
constexpr std::size_t kWaitingPacks = 2;

// A run that dies loses what no index names yet: so much at most.
constexpr std::uint64_t kLargestUnindexed = std::uint64_t{2} << 30U;

}  // namespace

PackPipeline::PackPipeline(const Repository& repository, Random& random)
    : repository_(repository),
      random_(random),
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
    auto segment = [this] {
        auto progress = progress_.lock();
        progress->unindexed_bytes = 0;
        return std::exchange(progress->unindexed, {});
    }();
    if (segment.packs.empty()) {
        return;
    }
    auto& backend = repository_.backend();
    std::sort(segment.records.begin(),
              segment.records.end(),
              [](const IndexRecord& left, const IndexRecord& right) { return left.id < right.id; });
    const auto blob = encode_index(repository_, segment, random_);
    backend.sync();
    backend.put(index_name(content::sha256(blob)), blob);
    backend.sync();
    progress_.lock()->stored_bytes += blob.size();
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
            pack = std::make_unique<PackWriter>(repository_, job->kind, random_);
        }
        if (!pack->has_room_for(*job->group)) {
            throw Error(ErrorCode::Internal, "a group of frames is larger than a pack may be");
        }
        pack->add(*job->group);
        if (pack->stored_bytes() >= repository_.parameters().pack_bytes &&
            !finish_pack(pack, stop)) {
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
        if (progress_.lock()->unindexed_bytes >= kLargestUnindexed) {
            write_index();
        }
    }
}

void PackPipeline::note_committed(const PackWriter& pack) {
    auto progress = progress_.lock();
    auto& segment = progress->unindexed;
    const auto number = static_cast<std::uint32_t>(segment.packs.size());
    segment.packs.push_back(pack.pack());
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
