// SPDX-License-Identifier: Apache-2.0
#include "core/content/compression.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <zstd.h>

#include <algorithm>
#include <array>

namespace backup::content {

namespace {

struct FreeCompression {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

struct FreeDecompression {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

using CompressionContext = std::unique_ptr<ZSTD_CCtx, FreeCompression>;

// Not a negative level: those leave out entropy coding, and text in base64 would look dense.
constexpr int kSampleLevel = 1;
constexpr std::size_t kSampleBytes = 4U << 10U;
constexpr std::size_t kSmallestSampled = 32U << 10U;
constexpr int kWholeLevel = 9;

CompressionContext make_context(int level) {
    CompressionContext context(ZSTD_createCCtx());
    if (context == nullptr ||
        ZSTD_isError(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level)) != 0) {
        throw Error(ErrorCode::Internal, concat("zstd does not take compression level ", level));
    }
    return context;
}

/// The most that may be stored for the frame to be worth its decoding.
std::size_t worthwhile_bytes(std::size_t plain_bytes) {
    return plain_bytes - plain_bytes / 20;
}

/// Bytes written, or 0 when `out` is too small.
std::size_t compress_into(ZSTD_CCtx* context, ByteView plain, std::span<std::byte> out) {
    const auto size = ZSTD_compress2(context, out.data(), out.size(), plain.data(), plain.size());
    return ZSTD_isError(size) != 0 ? 0 : size;
}

}  // namespace

struct Compressor::State {
    CompressionContext context;
    CompressionContext sampler;
    Bytes scratch;
    // Content changes seldom between dense and not: only behind a dense frame the next is sampled.
    bool was_dense = false;

    bool is_dense(ByteView plain) {
        std::array<std::byte, kSampleBytes - kSampleBytes / 32> room{};
        const auto is_dense_at = [&](std::size_t offset) {
            return compress_into(sampler.get(), plain.subspan(offset, kSampleBytes), room) == 0;
        };
        return is_dense_at(plain.size() / 4) && is_dense_at(plain.size() / 4 * 3 - kSampleBytes);
    }
};

Compressor::Compressor(int level)
    : state_(std::make_unique<State>(
          State{make_context(level), make_context(kSampleLevel), {}, false})) {}

Compressor::~Compressor() = default;
Compressor::Compressor(Compressor&&) noexcept = default;
Compressor& Compressor::operator=(Compressor&&) noexcept = default;

std::optional<Bytes> Compressor::compress(ByteView plain) {
    if (state_->was_dense && plain.size() >= kSmallestSampled && state_->is_dense(plain)) {
        return std::nullopt;
    }
    auto& scratch = state_->scratch;
    const auto room = worthwhile_bytes(plain.size());
    if (scratch.size() < room) {
        scratch.resize(room);
    }
    const auto size = compress_into(state_->context.get(), plain, std::span(scratch).first(room));
    state_->was_dense = size == 0;
    if (state_->was_dense) {
        return std::nullopt;
    }
    return to_bytes(ByteView(scratch).first(size));
}

struct Decompressor::State {
    std::unique_ptr<ZSTD_DCtx, FreeDecompression> context;
};

Decompressor::Decompressor() : state_(std::make_unique<State>()) {
    state_->context.reset(ZSTD_createDCtx());
    if (state_->context == nullptr) {
        throw Error(ErrorCode::Internal, "zstd has no memory for a decoder");
    }
}

Decompressor::~Decompressor() = default;
Decompressor::Decompressor(Decompressor&&) noexcept = default;
Decompressor& Decompressor::operator=(Decompressor&&) noexcept = default;

void Decompressor::decompress(ByteView stored, std::span<std::byte> out) {
    const auto announced = ZSTD_getFrameContentSize(stored.data(), stored.size());
    if (announced != out.size()) {
        throw Error(ErrorCode::CorruptData, "compressed bytes do not tell the expected length");
    }
    if (ZSTD_findFrameCompressedSize(stored.data(), stored.size()) != stored.size()) {
        throw Error(ErrorCode::CorruptData, "compressed bytes are not exactly one zstd frame");
    }
    const auto size = ZSTD_decompressDCtx(
        state_->context.get(), out.data(), out.size(), stored.data(), stored.size());
    if (ZSTD_isError(size) != 0) {
        throw Error(ErrorCode::CorruptData,
                    concat("compressed bytes are damaged (", ZSTD_getErrorName(size), ")"));
    }
    if (size != out.size()) {
        throw Error(ErrorCode::CorruptData, "compressed bytes end early");
    }
}

Bytes compress_whole(ByteView plain) {
    const auto context = make_context(kWholeLevel);
    Bytes out(ZSTD_compressBound(plain.size()));
    const auto size = compress_into(context.get(), plain, out);
    if (size == 0) {
        throw Error(ErrorCode::Internal, "zstd could not compress");
    }
    out.resize(size);
    return out;
}

Bytes decompress_whole(ByteView stored, std::uint64_t limit_bytes) {
    const auto announced = ZSTD_getFrameContentSize(stored.data(), stored.size());
    if (announced == ZSTD_CONTENTSIZE_ERROR || announced == ZSTD_CONTENTSIZE_UNKNOWN) {
        throw Error(ErrorCode::CorruptData, "not a zstd frame that tells its length");
    }
    if (announced > limit_bytes) {
        throw Error(
            ErrorCode::CorruptData,
            concat("compressed bytes claim ", announced, " bytes, more than ", limit_bytes));
    }
    Bytes out(announced);
    Decompressor().decompress(stored, out);
    return out;
}

}  // namespace backup::content
