// SPDX-License-Identifier: Apache-2.0
#include "core/content/frame_group.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <numeric>
#include <utility>

namespace backup::content {

namespace {

[[noreturn]] void refuse(const std::string& reason) {
    throw Error(ErrorCode::CorruptData, "group of frames: " + reason);
}

void check_frame(const Frame& frame, std::size_t number, std::uint32_t limit_bytes) {
    if (frame.plain_bytes == 0 || frame.plain_bytes > limit_bytes) {
        refuse(concat(
            "frame ", number, " has ", frame.plain_bytes, " plain bytes, not 1 to ", limit_bytes));
    }
    const bool has_fitting_size =
        frame.is_compressed ? !frame.stored.empty() && frame.stored.size() <= frame.plain_bytes
                            : frame.stored.size() == frame.plain_bytes;
    if (!has_fitting_size) {
        refuse(concat(
            "frame ", number, " keeps ", frame.plain_bytes, " bytes in ", frame.stored.size()));
    }
}

bool is_known(ChunkKind kind) {
    switch (kind) {
        case ChunkKind::Data:
        case ChunkKind::Page:
        case ChunkKind::ExtentPage:
        case ChunkKind::Metadata:
            return true;
    }
    return false;
}

}  // namespace

std::uint64_t FrameGroup::plain_bytes() const {
    return std::accumulate(
        frames.begin(), frames.end(), std::uint64_t{0}, [](std::uint64_t sum, const Frame& frame) {
            return sum + frame.plain_bytes;
        });
}

std::uint64_t FrameGroup::stored_bytes() const {
    return std::accumulate(
        frames.begin(), frames.end(), std::uint64_t{0}, [](std::uint64_t sum, const Frame& frame) {
            return sum + frame.stored.size();
        });
}

void check_group(const FrameGroup& group, std::uint32_t frame_limit_bytes) {
    std::vector<std::uint64_t> ends;  // of each frame, in the plain bytes of the group
    ends.reserve(group.frames.size());
    std::uint64_t end = 0;
    for (const auto& frame : group.frames) {
        check_frame(frame, ends.size(), frame_limit_bytes);
        ends.push_back(end += frame.plain_bytes);
    }
    for (const auto& chunk : group.chunks) {
        if (!is_known(chunk.kind)) {
            refuse(concat("chunk of unknown kind ", static_cast<unsigned>(chunk.kind)));
        }
        if (chunk.length == 0 || chunk.length > kLargestChunkBytes) {
            refuse(concat("chunk of ", chunk.length, " bytes"));
        }
        if (chunk.first_frame >= ends.size() ||
            chunk.offset >= group.frames[chunk.first_frame].plain_bytes) {
            refuse("a chunk begins outside of the frames");
        }
        const auto begin = ends[chunk.first_frame] - group.frames[chunk.first_frame].plain_bytes;
        if (begin + chunk.offset + chunk.length > end) {
            refuse("a chunk ends outside of the frames");
        }
    }
}

FrameEncoder make_frame_encoder(int compression_level) {
    // What a std::function holds can be copied; a compressor cannot.
    return [compressor = std::make_shared<Compressor>(compression_level)](ByteView plain) {
        Frame frame;
        frame.plain_bytes = static_cast<std::uint32_t>(plain.size());
        if (auto compressed = compressor->compress(plain)) {
            frame.is_compressed = true;
            frame.stored = std::move(*compressed);
        } else {
            frame.stored = to_bytes(plain);
        }
        return frame;
    };
}

FrameGroupBuilder::FrameGroupBuilder(std::uint32_t frame_bytes, int compression_level, bool verify)
    : FrameGroupBuilder(frame_bytes, make_frame_encoder(compression_level), verify) {}

FrameGroupBuilder::FrameGroupBuilder(std::uint32_t frame_bytes, FrameEncoder encoder, bool verify)
    : frame_bytes_(frame_bytes),
      verify_(verify),
      encode_(std::move(encoder)) {
    open_frame_.reserve(frame_bytes_);
}

void FrameGroupBuilder::add(const ChunkId& id, ChunkKind kind, ByteView plain) {
    if (plain.empty() || plain.size() > kLargestChunkBytes) {
        throw Error(ErrorCode::Internal, concat("a chunk cannot have ", plain.size(), " bytes"));
    }
    if (open_frame_.size() + plain.size() > frame_bytes_) {
        close_frame();
    }
    group_.chunks.push_back({id,
                             kind,
                             static_cast<std::uint32_t>(group_.frames.size()),
                             static_cast<std::uint32_t>(open_frame_.size()),
                             static_cast<std::uint32_t>(plain.size())});
    plain_bytes_ += plain.size();
    while (plain.size() > frame_bytes_) {
        add_frame(plain.first(frame_bytes_));
        plain = plain.subspan(frame_bytes_);
    }
    append(open_frame_, plain);
}

FrameGroup FrameGroupBuilder::take() {
    close_frame();
    plain_bytes_ = 0;
    return std::exchange(group_, {});
}

void FrameGroupBuilder::close_frame() {
    if (!open_frame_.empty()) {
        add_frame(open_frame_);
        open_frame_.clear();
    }
}

void FrameGroupBuilder::add_frame(ByteView plain) {
    auto frame = encode_(plain);
    if (verify_) {
        check_frame_decodes(frame, plain);
    }
    group_.frames.push_back(std::move(frame));
}

void FrameGroupBuilder::check_frame_decodes(const Frame& frame, ByteView plain) {
    const auto is_same = [&](ByteView decoded) {
        return decoded.size() == plain.size() &&
               std::memcmp(decoded.data(), plain.data(), plain.size()) == 0;
    };
    if (!frame.is_compressed) {
        if (!is_same(frame.stored)) {
            throw Error(ErrorCode::Internal, "bytes changed while they were copied")
                .hint("the memory of this computer may be faulty: run a memory test");
        }
        return;
    }
    if (scratch_.size() < plain.size()) {
        scratch_.resize(plain.size());
    }
    const auto decoded = std::span(scratch_).first(plain.size());
    decompressor_.decompress(frame.stored, decoded);
    if (!is_same(decoded)) {
        throw Error(ErrorCode::Internal, "a compressed frame does not decode to what went in")
            .hint("the memory of this computer may be faulty: run a memory test");
    }
}

}  // namespace backup::content
