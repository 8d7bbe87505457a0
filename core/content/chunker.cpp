// SPDX-License-Identifier: Apache-2.0
#include "core/content/chunker.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/content/chunk_id.hpp"

#include <algorithm>
#include <bit>

namespace backup::content {

namespace {

// The hash shifts by one bit a byte, so a byte is forgotten after 64 more.
constexpr std::size_t kWindowBytes = 64;

// Two halves of a piece are scanned in one loop: twice as fast as one lane, and the most that pays
// on current CPUs. The piece is small against a chunk, so little is scanned behind a cut.
constexpr std::size_t kLaneBytes = 16U << 10U;

constexpr std::uint64_t top_bits(unsigned count) {
    return ~std::uint64_t{0} << (64U - count);
}

using Gear = std::array<std::uint64_t, 256>;

std::uint64_t step(const Gear& gear, std::uint64_t hash, std::byte byte) {
    return (hash << 1U) + gear[std::to_integer<std::size_t>(byte)];
}

/// The hash in front of `position`; needs kWindowBytes before it.
std::uint64_t warm_up(const Gear& gear, const std::byte* position) {
    std::uint64_t hash = 0;
    for (const auto* at = position - kWindowBytes; at != position; ++at) {
        hash = step(gear, hash, *at);
    }
    return hash;
}

class Scanner {
  public:
    Scanner(const Gear& gear, const std::byte* data, std::size_t begin)
        : gear_(gear),
          data_(data),
          at_(begin),
          hash_(warm_up(gear, data + begin)) {}

    /// Moves to `end` or behind the first byte whose hash has no bit of `mask`; true in that case.
    bool find_cut(std::size_t end, std::uint64_t mask) {
        while (end - at_ >= 4 * kWindowBytes) {
            if (scan_two_lanes(std::min(kLaneBytes, (end - at_) / 2), mask)) {
                return true;
            }
        }
        while (at_ < end) {
            hash_ = step(gear_, hash_, data_[at_++]);
            if ((hash_ & mask) == 0) {
                return true;
            }
        }
        return false;
    }

    std::size_t position() const { return at_; }

  private:
    bool scan_two_lanes(std::size_t length, std::uint64_t mask) {
        const auto* first = data_ + at_;
        const auto* second = first + length;
        auto first_hash = hash_;
        auto second_hash = warm_up(gear_, second);
        auto second_cut = length;
        std::size_t i = 0;
        for (; i < length; ++i) {
            first_hash = step(gear_, first_hash, first[i]);
            second_hash = step(gear_, second_hash, second[i]);
            if ((first_hash & mask) == 0) {
                at_ += i + 1;
                return true;
            }
            if ((second_hash & mask) == 0) {
                second_cut = i;
                break;
            }
        }
        if (second_cut == length) {
            at_ += 2 * length;
            hash_ = second_hash;
            return false;
        }
        return finish_first_lane(i + 1, length, first_hash, mask, second_cut);
    }

    /// The second lane has a cut; one in the rest of the first lane comes before it.
    bool finish_first_lane(std::size_t from,
                           std::size_t length,
                           std::uint64_t hash,
                           std::uint64_t mask,
                           std::size_t second_cut) {
        for (auto i = from; i < length; ++i) {
            hash = step(gear_, hash, data_[at_ + i]);
            if ((hash & mask) == 0) {
                at_ += i + 1;
                return true;
            }
        }
        at_ += length + second_cut + 1;
        return true;
    }

    const Gear& gear_;
    const std::byte* data_;
    std::size_t at_;
    std::uint64_t hash_;
};

}  // namespace

void ChunkerParameters::check() const {
    const bool is_ordered = kWindowBytes <= min_bytes && min_bytes < average_bytes &&
                            average_bytes < max_bytes && max_bytes <= kLargestChunkBytes;
    if (!is_ordered || !std::has_single_bit(average_bytes)) {
        throw Error(ErrorCode::InvalidArgument,
                    concat("chunk sizes ",
                           min_bytes,
                           "/",
                           average_bytes,
                           "/",
                           max_bytes,
                           " are not 64 <= min < average < max <= 64 MiB with a power of two"
                           " as the average"));
    }
}

Chunker::Chunker(const SecretKey& chunker_key, ChunkerParameters parameters)
    : parameters_(parameters) {
    parameters_.check();
    for (std::size_t i = 0; i < gear_.size(); ++i) {
        const std::array byte{static_cast<std::byte>(i)};
        gear_[i] = load_le<std::uint64_t>(hmac_sha256(chunker_key, byte).data());
    }
    const auto bits = static_cast<unsigned>(std::countr_zero(parameters_.average_bytes));
    mask_before_average_ = top_bits(bits + 2);
    mask_behind_average_ = top_bits(bits - 2);
}

std::size_t Chunker::next_cut(ByteView bytes, bool is_last) const {
    const auto available = std::min<std::size_t>(bytes.size(), parameters_.max_bytes);
    if (!is_last && bytes.size() < parameters_.max_bytes) {
        throw Error(ErrorCode::Internal, "the chunker was given less than a longest chunk");
    }
    if (available <= parameters_.min_bytes) {
        return available;
    }
    // A chunk of n bytes is cut behind byte n - 1: the first one looked at is number min - 1.
    Scanner scanner(gear_, bytes.data(), parameters_.min_bytes - 1);
    const auto average = std::min<std::size_t>(available, parameters_.average_bytes - 1);
    if (scanner.find_cut(average, mask_before_average_) ||
        scanner.find_cut(available, mask_behind_average_)) {
        return scanner.position();
    }
    return available;
}

}  // namespace backup::content
