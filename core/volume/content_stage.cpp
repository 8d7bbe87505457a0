// SPDX-License-Identifier: Apache-2.0
#include "core/volume/content_stage.hpp"

#include "core/base/error.hpp"

#include <algorithm>
#include <limits>

namespace backup::volume {

namespace {

constexpr std::uint64_t kBatchBytes = 2U << 20U;
constexpr std::size_t kBatchItems = 1024;

/// Half as much again as all readers may hold in batches they have not sent: they can always go on.
std::uint64_t budget_of(const ReadTask& task) {
    const auto held = task.readers * (kBatchBytes + std::uint64_t{task.chunker.max_bytes});
    return std::max<std::uint64_t>(task.window_bytes, held + held / 2);
}

}  // namespace

ContentStage::ContentStage(const ReadTask& task, Channel& channel, Clock& clock)
    : channel_(channel),
      read_limit_(task.read_limit, clock),
      budget_(budget_of(task)),
      // Bounded by the budget: a push from the thread that receives must never wait.
      to_pack_(std::numeric_limits<std::size_t>::max()) {}

/// Also a tiny chunk costs the memory of its bookkeeping.
std::uint64_t ContentStage::cost(std::size_t chunk_bytes) {
    return chunk_bytes + 256;
}

void ContentStage::pace(std::uint64_t bytes, const std::stop_token& stop) {
    if (read_limit_.is_limited() && !read_limit_.wait_for(bytes, stop)) {
        throw Error(ErrorCode::Interrupted, "interrupted");
    }
}

void ContentStage::reserve(std::size_t chunk_bytes, const std::stop_token& stop) {
    if (!budget_.take(cost(chunk_bytes), stop)) {
        throw Error(ErrorCode::Interrupted, "interrupted");
    }
}

void ContentStage::add(OpenBatch& batch, PlainChunk chunk, const std::stop_token& stop) {
    batch.items.emplace_back(ChunkItem{chunk.id, static_cast<std::uint32_t>(chunk.bytes.size())});
    batch.plain_bytes += cost(chunk.bytes.size());
    batch.chunks.push_back(std::move(chunk));
    if (batch.plain_bytes >= kBatchBytes || batch.items.size() >= kBatchItems) {
        flush(batch, stop);
    }
}

void ContentStage::flush(OpenBatch& batch, const std::stop_token& stop) {
    if (batch.items.empty()) {
        return;
    }
    ContentBatch message;
    message.number = next_batch_++;
    message.items = std::move(batch.items);
    if (!batch.chunks.empty()) {
        waiting_.lock()->emplace(message.number, std::move(batch.chunks));
    }
    const auto file = batch.file;
    batch = OpenBatch{};
    if (file) {
        batch.begin_file(*file);
    }
    channel_.send(encode_content(message), stop);
}

void ContentStage::answer(const Missing& missing) {
    Chunks chunks;
    {
        auto waiting = waiting_.lock();
        const auto found = waiting->find(missing.batch);
        if (found == waiting->end() || found->second.size() != missing.send.size()) {
            throw Error(ErrorCode::CorruptData, "answer to a content message that was not sent");
        }
        chunks = std::move(found->second);
        waiting->erase(found);
        ++packing_;
    }
    std::uint64_t known = 0;
    Chunks wanted;
    for (std::size_t i = 0; i < chunks.size(); ++i) {
        if (missing.send[i]) {
            wanted.push_back(std::move(chunks[i]));
        } else {
            known += cost(chunks[i].bytes.size());
        }
    }
    chunks.clear();
    budget_.give_back(known);
    if (wanted.empty()) {
        --packing_;
        return;
    }
    to_pack_.push(std::move(wanted));
}

void ContentStage::pack(const ReadTask& task, const std::stop_token& stop) {
    content::FrameGroupBuilder builder(
        task.frame_bytes, static_cast<int>(task.compression_level), task.verify_frames);
    while (auto chunks = to_pack_.pop(stop)) {
        std::uint64_t held = 0;
        for (PlainChunk& chunk : *chunks) {
            builder.add(chunk.id, content::ChunkKind::Data, chunk.bytes);
            held += cost(chunk.bytes.size());
            chunk.bytes = Bytes();
        }
        channel_.send(encode_frames(builder.take()), stop);
        budget_.give_back(held);
        --packing_;
    }
}

bool ContentStage::is_drained() {
    return waiting_.lock()->empty() && packing_ == 0;
}

}  // namespace backup::volume
