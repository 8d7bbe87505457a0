// SPDX-License-Identifier: Apache-2.0
// The numbers of docs/format.md, by its sections. A change here is a change of the format.
#pragma once

#include "core/base/bytes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace backup::repository::format {

// Section 2: the common header.
inline constexpr std::array kMagic{std::byte{0x4b}, std::byte{0x42}, std::byte{0x4b}, std::byte{1}};
inline constexpr std::size_t kHeaderBytes = 96;
inline constexpr std::uint8_t kSuite = 1;
inline constexpr std::uint16_t kVersion = 1;
inline constexpr std::uint32_t kKnownFeatures = 0;
inline constexpr std::size_t kSaltBytes = 32;
inline constexpr std::size_t kCommitmentBytes = 16;
inline constexpr std::size_t kTagBytes = 16;

// Section 3: keys.
inline constexpr std::size_t kSlotBytes = 128;
inline constexpr std::uint64_t kScryptMemoryLimit = 1U << 30U;
inline constexpr unsigned kScryptLargestP = 16;

// Section 4: config.
inline constexpr std::uint64_t kLargestConfig = 64U << 10U;

// Section 5: packs.
inline constexpr std::uint64_t kLargestPack = 1U << 30U;
inline constexpr std::uint64_t kChunkTableSection = std::uint64_t{1} << 32U;
inline constexpr std::uint64_t kFrameTableSection = kChunkTableSection + 1;
inline constexpr std::size_t kChunkTableEntryBytes = 48;
inline constexpr std::size_t kFrameTableEntryBytes = 8;
inline constexpr std::uint32_t kFrameIsCompressed = std::uint32_t{1} << 31U;
inline constexpr std::size_t kPackTrailerBytes = 32;
inline constexpr std::string_view kEndMark{"KBKEND\0\1", 8};

// Section 7: points.
inline constexpr std::uint64_t kLargestPoint = 64U << 20U;

// Section 8: index segments.
inline constexpr std::size_t kIndexRecordBytes = 32;
inline constexpr std::uint32_t kRecordsPerBlock = 2048;
inline constexpr std::uint64_t kPackTableSection = std::uint64_t{1} << 32U;
inline constexpr std::uint64_t kFencesSection = kPackTableSection + 1;
inline constexpr std::uint64_t kReplacedSection = kPackTableSection + 2;
inline constexpr std::uint64_t kFilterSection = kPackTableSection + 3;
inline constexpr std::size_t kPackTableEntryBytes = 96;
inline constexpr std::size_t kFenceBytes = 16;
inline constexpr std::size_t kReplacedBytes = 32;
inline constexpr std::size_t kIndexTrailerBytes = 48;
inline constexpr std::uint64_t kLargestIndexSegment = std::uint64_t{1} << 31U;

}  // namespace backup::repository::format
