// SPDX-License-Identifier: Apache-2.0
#include "core/repository/parity.hpp"

#include "core/base/crc32c.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/repository/format.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace backup::repository {

namespace {

constexpr std::byte kKind{'R'};
constexpr std::byte kXorStripes{1};
constexpr std::size_t kHeadBytes = 64;
constexpr std::size_t kSumBytes = 4;

// Positions in the header.
constexpr std::size_t kKindAt = 4;
constexpr std::size_t kMethodAt = 5;
constexpr std::size_t kVersionAt = 6;
constexpr std::size_t kBlockBytesAt = 8;
constexpr std::size_t kStripesAt = 12;
constexpr std::size_t kPackAt = 16;
constexpr std::size_t kPackBytesAt = 48;
constexpr std::size_t kTablesSumAt = 56;
constexpr std::size_t kSumAt = 60;

std::size_t blocks_of(std::uint64_t bytes) {
    return static_cast<std::size_t>((bytes + kParityBlockBytes - 1) / kParityBlockBytes);
}

std::size_t stripes_of(std::uint64_t bytes) {
    return std::min(kParityStripes, blocks_of(bytes));
}

Bytes encode_head(const content::Digest& pack, std::uint64_t pack_bytes, ByteView tables) {
    Bytes head(kHeadBytes);
    std::copy(format::kMagic.begin(), format::kMagic.end(), head.begin());
    head[kKindAt] = kKind;
    head[kMethodAt] = kXorStripes;
    store_le(head.data() + kVersionAt, format::kVersion);
    store_le(head.data() + kBlockBytesAt, std::uint32_t{kParityBlockBytes});
    store_le(head.data() + kStripesAt, std::uint32_t{kParityStripes});
    std::copy(pack.begin(), pack.end(), head.data() + kPackAt);
    store_le(head.data() + kPackBytesAt, pack_bytes);
    store_le(head.data() + kTablesSumAt, crc32c(tables));
    store_le(head.data() + kSumAt, crc32c(ByteView(head).first(kSumAt)));
    return head;
}

bool is_head(ByteView head) {
    return std::equal(format::kMagic.begin(), format::kMagic.end(), head.begin()) &&
           head[kKindAt] == kKind &&
           load_le<std::uint32_t>(head.data() + kSumAt) == crc32c(head.first(kSumAt));
}

/// The size of the pack.
std::uint64_t decode_head(ByteView head, const content::Digest& pack, const std::string& what) {
    const auto version = load_le<std::uint16_t>(head.data() + kVersionAt);
    if (version != format::kVersion) {
        throw Error(ErrorCode::UnknownFormat, concat(what, " has format version ", version));
    }
    if (head[kMethodAt] != kXorStripes ||
        load_le<std::uint32_t>(head.data() + kBlockBytesAt) != kParityBlockBytes ||
        load_le<std::uint32_t>(head.data() + kStripesAt) != kParityStripes) {
        throw Error(ErrorCode::UnknownFormat, concat(what, " is made by an unknown method"));
    }
    if (!std::equal(pack.begin(), pack.end(), head.data() + kPackAt)) {
        throw Error(ErrorCode::CorruptData, concat(what, " is the parity of another pack"));
    }
    return load_le<std::uint64_t>(head.data() + kPackBytesAt);
}

void xor_into(std::span<std::byte> out, ByteView bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        out[i] ^= bytes[i];
    }
}

std::vector<std::uint32_t> load_sums(ByteView bytes) {
    std::vector<std::uint32_t> sums(bytes.size() / kSumBytes);
    for (std::size_t i = 0; i < sums.size(); ++i) {
        sums[i] = load_le<std::uint32_t>(bytes.data() + i * kSumBytes);
    }
    return sums;
}

}  // namespace

void ParityMaker::update(ByteView bytes) {
    while (!bytes.empty()) {
        const auto inside = static_cast<std::size_t>(size_ % kParityBlockBytes);
        const auto piece = bytes.first(std::min(bytes.size(), kParityBlockBytes - inside));
        const auto at = sums_.size() % kParityStripes * kParityBlockBytes;
        if (parity_.size() < at + kParityBlockBytes) {
            parity_.resize(at + kParityBlockBytes);
        }
        xor_into(std::span(parity_).subspan(at + inside), piece);
        sum_ = crc32c(piece, sum_);
        size_ += piece.size();
        bytes = bytes.subspan(piece.size());
        if (size_ % kParityBlockBytes == 0) {
            end_block();
        }
    }
}

void ParityMaker::end_block() {
    sums_.push_back(std::exchange(sum_, 0));
}

Bytes ParityMaker::finish(const content::Digest& pack) {
    if (size_ % kParityBlockBytes != 0) {
        end_block();
    }
    ByteWriter tables;
    for (std::size_t at = 0; at < parity_.size(); at += kParityBlockBytes) {
        tables.number(crc32c(ByteView(parity_).subspan(at, kParityBlockBytes)));
    }
    for (const auto sum : sums_) {
        tables.number(sum);
    }
    const auto head = encode_head(pack, size_, tables.view());
    Bytes blob = head;
    blob.reserve(2 * head.size() + parity_.size() + tables.size());
    append(blob, parity_);
    append(blob, tables.view());
    append(blob, head);
    return blob;
}

Parity::Parity(ByteView blob, const content::Digest& pack, const std::string& what) : pack_(pack) {
    if (blob.size() < 2 * kHeadBytes) {
        throw Error(ErrorCode::CorruptData, concat(what, " ends early"));
    }
    const auto first = blob.first(kHeadBytes);
    const auto last = blob.last(kHeadBytes);
    const bool is_first_whole = is_head(first);
    if (!is_first_whole && !is_head(last)) {
        throw Error(ErrorCode::CorruptData, concat(what, " has two damaged headers"));
    }
    pack_bytes_ = decode_head(is_first_whole ? first : last, pack, what);
    if (pack_bytes_ > format::kLargestPack || parity_bytes(pack_bytes_) != blob.size()) {
        throw Error(ErrorCode::CorruptData, concat(what, " is not as long as it should be"));
    }
    const auto stripes = stripes_of(pack_bytes_);
    auto rest = blob.subspan(kHeadBytes);
    parity_ = to_bytes(rest.first(stripes * kParityBlockBytes));
    rest = rest.subspan(parity_.size());
    stripe_sums_ = load_sums(rest.first(stripes * kSumBytes));
    sums_ = load_sums(rest.subspan(stripes * kSumBytes, blocks_of(pack_bytes_) * kSumBytes));
    const auto tables = rest.first(stripes * kSumBytes + sums_.size() * kSumBytes);
    is_whole_ = std::equal(first.begin(), first.end(), last.begin()) &&
                load_le<std::uint32_t>(first.data() + kTablesSumAt) == crc32c(tables);
    for (std::size_t stripe = 0; stripe < stripes; ++stripe) {
        is_whole_ = is_whole_ && is_stripe_whole(stripe);
    }
}

std::size_t Parity::block_bytes(std::size_t block) const {
    const auto begin = std::uint64_t{block} * kParityBlockBytes;
    return static_cast<std::size_t>(
        std::min<std::uint64_t>(kParityBlockBytes, pack_bytes_ - begin));
}

bool Parity::is_stripe_whole(std::size_t stripe) const {
    return crc32c(ByteView(parity_).subspan(stripe * kParityBlockBytes, kParityBlockBytes)) ==
           stripe_sums_[stripe];
}

/// Copies each block that is where it should be, or where it would be when some bytes before it
/// were lost or came in. Returns the others.
std::vector<std::size_t> Parity::copy_sound_blocks(ByteView damaged, Bytes& out) const {
    std::vector<std::size_t> lost;
    for (std::size_t block = 0; block < block_count(); ++block) {
        const auto begin = std::uint64_t{block} * kParityBlockBytes;
        const auto size = block_bytes(block);
        const auto to_end = pack_bytes_ - begin;
        const auto take_from = [&](std::uint64_t at) {
            if (at > damaged.size() || size > damaged.size() - at) {
                return false;
            }
            const auto bytes = damaged.subspan(at, size);
            if (crc32c(bytes) != sums_[block]) {
                return false;
            }
            std::copy(bytes.begin(), bytes.end(), out.begin() + static_cast<std::ptrdiff_t>(begin));
            return true;
        };
        const bool is_found =
            take_from(begin) || (damaged.size() != pack_bytes_ && to_end <= damaged.size() &&
                                 take_from(damaged.size() - to_end));
        if (!is_found) {
            lost.push_back(block);
        }
    }
    return lost;
}

bool Parity::rebuild(std::size_t block, Bytes& out) const {
    const auto stripe = block % kParityStripes;
    if (!is_stripe_whole(stripe)) {
        return false;
    }
    auto sum = to_bytes(ByteView(parity_).subspan(stripe * kParityBlockBytes, kParityBlockBytes));
    for (auto other = stripe; other < block_count(); other += kParityStripes) {
        if (other != block) {
            xor_into(sum, ByteView(out).subspan(other * kParityBlockBytes, block_bytes(other)));
        }
    }
    std::copy_n(sum.begin(),
                block_bytes(block),
                out.begin() + static_cast<std::ptrdiff_t>(block * kParityBlockBytes));
    return true;
}

std::optional<Bytes> Parity::heal(ByteView damaged) const {
    Bytes out(pack_bytes_);
    const auto lost = copy_sound_blocks(damaged, out);
    std::vector<bool> is_used(stripe_count());
    for (const auto block : lost) {
        if (is_used[block % kParityStripes]) {
            return std::nullopt;
        }
        is_used[block % kParityStripes] = true;
    }
    for (const auto block : lost) {
        if (!rebuild(block, out)) {
            return std::nullopt;
        }
    }
    // The proof; a damaged checksum only made a sound block be rebuilt.
    if (content::sha256(out) != pack_) {
        return std::nullopt;
    }
    return out;
}

std::uint64_t parity_bytes(std::uint64_t pack_bytes) {
    return 2 * kHeadBytes + stripes_of(pack_bytes) * (kParityBlockBytes + kSumBytes) +
           blocks_of(pack_bytes) * kSumBytes;
}

}  // namespace backup::repository
