// SPDX-License-Identifier: Apache-2.0
#include "core/capture/received_groups.hpp"

#include "core/base/error.hpp"

#include <algorithm>

namespace backup::capture {

namespace {

constexpr std::uint32_t kFrameLimit = 1U << 20U;
/// A mover sends about 4 MiB at once, or one chunk of at most 64 MiB.
constexpr std::uint64_t kGroupLimit = 80U << 20U;
constexpr int kVerifiers = 2;

void check_sizes(const content::FrameGroup& group) {
    content::check_group(group, kFrameLimit);
    if (group.plain_bytes() > kGroupLimit) {
        throw Error(ErrorCode::CorruptData, "more frames at once than a mover may send");
    }
}

/// All frames decoded, one behind the other; `begins` gets where each begins.
Bytes decode(const content::FrameGroup& group,
             content::Decompressor& decompressor,
             std::vector<std::size_t>& begins) {
    Bytes plain(static_cast<std::size_t>(group.plain_bytes()));
    std::size_t at = 0;
    for (const content::Frame& frame : group.frames) {
        begins.push_back(at);
        const auto out = std::span(plain).subspan(at, frame.plain_bytes);
        if (frame.is_compressed) {
            decompressor.decompress(frame.stored, out);
        } else {
            std::copy(frame.stored.begin(), frame.stored.end(), out.begin());
        }
        at += frame.plain_bytes;
    }
    return plain;
}

}  // namespace

void verify_group(const content::FrameGroup& group,
                  content::ChunkHasher& hasher,
                  content::Decompressor& decompressor) {
    check_sizes(group);
    std::vector<std::size_t> begins;
    const Bytes plain = decode(group, decompressor, begins);
    for (const content::PlacedChunk& chunk : group.chunks) {
        const auto bytes =
            ByteView(plain).subspan(begins[chunk.first_frame] + chunk.offset, chunk.length);
        if (hasher(chunk.kind, bytes) != chunk.id) {
            throw Error(ErrorCode::CorruptData,
                        "the mover sent other bytes than the chunk's id says");
        }
    }
}

void ReceivedGroups::start(TaskGroup& tasks) {
    for (int i = 0; verifies_ && i < kVerifiers; ++i) {
        tasks.start([this](const std::stop_token& stop) { work(stop); });
    }
}

void ReceivedGroups::work(const std::stop_token& stop) {
    content::ChunkHasher hasher(chunk_id_key_);
    content::Decompressor decompressor;
    while (auto group = queue_.pop(stop)) {
        verify_group(*group, hasher, decompressor);
        writer_.add_group(std::move(*group), repository::PackKind::Data);
    }
}

void ReceivedGroups::add(content::FrameGroup group, const std::stop_token& stop) {
    if (!verifies_) {
        check_sizes(group);
        writer_.add_group(std::move(group), repository::PackKind::Data);
    } else if (!queue_.push(std::move(group), stop)) {
        throw Error(ErrorCode::Interrupted, "interrupted");
    }
}

}  // namespace backup::capture
