// SPDX-License-Identifier: Apache-2.0
#include "core/repository/index_filter.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace backup::repository {

namespace {

constexpr std::uint8_t kBinaryFuse8 = 1;
constexpr std::size_t kFilterHeaderBytes = 16;
constexpr unsigned kMostSegmentBits = 18;
constexpr int kMostTries = 64;
constexpr std::uint64_t kGoldenRatio = 0x9e3779b97f4a7c15U;

// Finalizer of MurmurHash3 (public domain).
std::uint64_t mix(std::uint64_t value) {
    value ^= value >> 33U;
    value *= 0xff51afd7ed558ccdU;
    value ^= value >> 33U;
    value *= 0xc4ceb9fe1a85ec53U;
    return value ^ value >> 33U;
}

std::uint64_t multiply_high(std::uint64_t left, std::uint64_t right) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<Wide>(left) * right) >> 64U);
}

/// The three slots of a key, in neighbouring segments.
std::array<std::size_t, 3> slots_of(std::uint64_t hash,
                                    unsigned segment_bits,
                                    std::uint32_t segments) {
    const std::uint64_t length = std::uint64_t{1} << segment_bits;
    const auto mask = length - 1;
    const auto first = multiply_high(hash, std::uint64_t{segments} << segment_bits);
    return {first, (first + length) ^ ((hash >> 18U) & mask), (first + 2 * length) ^ (hash & mask)};
}

std::byte fingerprint_of(std::uint64_t hash) {
    return static_cast<std::byte>((hash ^ hash >> 32U) & 0xffU);
}

}  // namespace

std::uint64_t IndexFilter::key_of(const content::ShortId& id) {
    return mix(load_le<std::uint64_t>(id.bytes.data())) ^
           load_le<std::uint64_t>(id.bytes.data() + 8);
}

// The constants are those of the paper for three slots a key.
IndexFilter::Shape IndexFilter::shape_for(std::size_t keys) {
    Shape shape;
    const auto count = static_cast<double>(std::max<std::size_t>(keys, 2));
    shape.segment_bits =
        std::min(static_cast<unsigned>(std::floor(std::log(count) / std::log(3.33) + 2.25)),
                 kMostSegmentBits);
    const auto factor = std::max(1.125, 0.875 + 0.25 * std::log(1e6) / std::log(count));
    const auto length = std::uint64_t{1} << shape.segment_bits;
    const auto slots = static_cast<std::uint64_t>(count * factor);
    const auto all = (slots + length - 1) / length;
    shape.segments = static_cast<std::uint32_t>(all > 2 ? all - 2 : 1);
    return shape;
}

IndexFilter IndexFilter::make(std::vector<std::uint64_t> keys) {
    IndexFilter filter;
    if (keys.empty()) {
        return filter;
    }
    filter.shape_ = shape_for(keys.size());
    for (int i = 0; i < kMostTries; ++i) {
        filter.shape_.seed = mix(static_cast<std::uint64_t>(i) + kGoldenRatio);
        if (filter.try_fill(keys)) {
            return filter;
        }
        if (i == 0) {
            // A key that stands there twice can never be placed.
            std::sort(keys.begin(), keys.end());
            keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
        }
    }
    return {};
}

// Slots that only one key uses are taken away with that key until none is left; in reverse each
// key then has a slot that no later one touches.
bool IndexFilter::try_fill(const std::vector<std::uint64_t>& keys) {
    struct Placed {
        std::uint64_t hash = 0;
        std::uint32_t slot = 0;
    };

    const auto slot_count = shape_.slot_count();
    std::vector<std::uint64_t> hashes(slot_count);  // of all keys that use the slot, by XOR
    std::vector<std::uint8_t> uses(slot_count);
    for (const auto key : keys) {
        const auto hash = mix(key + shape_.seed);
        for (const auto slot : slots_of(hash, shape_.segment_bits, shape_.segments)) {
            if (++uses[slot] == std::numeric_limits<std::uint8_t>::max()) {
                return false;
            }
            hashes[slot] ^= hash;
        }
    }
    std::vector<std::uint32_t> single;
    for (std::size_t slot = 0; slot < slot_count; ++slot) {
        if (uses[slot] == 1) {
            single.push_back(static_cast<std::uint32_t>(slot));
        }
    }
    std::vector<Placed> placed;
    placed.reserve(keys.size());
    while (!single.empty()) {
        const auto slot = single.back();
        single.pop_back();
        if (uses[slot] != 1) {
            continue;
        }
        const auto hash = hashes[slot];
        placed.push_back({hash, slot});
        for (const auto other : slots_of(hash, shape_.segment_bits, shape_.segments)) {
            hashes[other] ^= hash;
            if (--uses[other] == 1) {
                single.push_back(static_cast<std::uint32_t>(other));
            }
        }
    }
    if (placed.size() != keys.size()) {
        return false;
    }
    fingerprints_.assign(slot_count, std::byte{0});
    for (auto at = placed.rbegin(); at != placed.rend(); ++at) {
        auto value = fingerprint_of(at->hash);
        for (const auto slot : slots_of(at->hash, shape_.segment_bits, shape_.segments)) {
            value ^= slot == at->slot ? std::byte{0} : fingerprints_[slot];
        }
        fingerprints_[at->slot] = value;
    }
    return true;
}

bool IndexFilter::contains_key(std::uint64_t key) const {
    const auto hash = mix(key + shape_.seed);
    auto value = fingerprint_of(hash);
    for (const auto slot : slots_of(hash, shape_.segment_bits, shape_.segments)) {
        value ^= fingerprints_[slot];
    }
    return value == std::byte{0};
}

Bytes IndexFilter::encode() const {
    if (fingerprints_.empty()) {
        return {};
    }
    ByteWriter out;
    out.number(kBinaryFuse8);
    out.number(static_cast<std::uint8_t>(shape_.segment_bits));
    out.number(std::uint16_t{0});
    out.number(shape_.segments);
    out.number(shape_.seed);
    out.bytes(fingerprints_);
    return out.take();
}

IndexFilter IndexFilter::decode(ByteView section, std::string_view what) {
    IndexFilter filter;
    if (section.empty() || std::to_integer<std::uint8_t>(section[0]) != kBinaryFuse8) {
        return filter;
    }
    ByteReader reader(section, what);
    reader.number<std::uint8_t>();
    filter.shape_.segment_bits = reader.number<std::uint8_t>();
    reader.number<std::uint16_t>();
    filter.shape_.segments = reader.number<std::uint32_t>();
    filter.shape_.seed = reader.number<std::uint64_t>();
    if (filter.shape_.segment_bits > kMostSegmentBits || filter.shape_.segments == 0 ||
        filter.shape_.slot_count() != section.size() - kFilterHeaderBytes) {
        throw Error(ErrorCode::CorruptData,
                    concat(what, " is damaged: its filter has an impossible shape"));
    }
    filter.fingerprints_ = to_bytes(section.subspan(kFilterHeaderBytes));
    return filter;
}

}  // namespace backup::repository
