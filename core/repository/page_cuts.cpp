// SPDX-License-Identifier: Apache-2.0
#include "core/repository/page_cuts.hpp"

#include "core/repository/page_codec.hpp"

#include <cstdint>

namespace backup::repository {
namespace {

// A page weighs 64 KiB on average: the shortest one plus the mean distance to the next cut.
constexpr std::size_t kShortest = 32U << 10U;
constexpr std::size_t kMeanDistance = 32U << 10U;
constexpr std::size_t kTarget = 64U << 10U;
constexpr std::size_t kLongest = 128U << 10U;
// At most four pieces of this size and one entry (1.1 MiB) come together in a page of 4 MiB.
constexpr std::size_t kLongestBytes = 640U << 10U;

// FNV-1a with the finalizer of MurmurHash3: all bits depend on all characters.
std::uint64_t hash_name(std::string_view name) {
    std::uint64_t hash = 0xcbf29ce484222325ULL;
    for (const char character : name) {
        hash = (hash ^ static_cast<unsigned char>(character)) * 0x100000001b3ULL;
    }
    hash = (hash ^ (hash >> 33U)) * 0xff51afd7ed558ccdULL;
    hash = (hash ^ (hash >> 33U)) * 0xc4ceb9fe1a85ec53ULL;
    return hash ^ (hash >> 33U);
}

}  // namespace

PageSize size_of(const EntryDraft& entry) {
    return {kEntryBytes + kPageReferenceBytes + entry.attributes.name.size(), encoded_bytes(entry)};
}

PageSize size_of(const SliceDraft& slice) {
    const auto size = kSliceBytes + kPageReferenceBytes + slice.first_name.size();
    return {size, size};
}

PageSize size_of_record() {
    return {kDirectoryBytes, kDirectoryBytes};
}

bool is_cut(const PageSize& size, std::size_t added, std::string_view name) {
    if (size.weight >= kLongest || size.bytes >= kLongestBytes) {
        return true;
    }
    if (size.weight < kShortest) {
        return false;
    }
    constexpr unsigned kHashBits = 32;
    const auto threshold = (std::uint64_t{added} << kHashBits) / kMeanDistance;
    return (hash_name(name) >> kHashBits) < threshold;
}

bool is_full(const PageSize& size) {
    return size.weight >= kTarget || size.bytes >= kLongestBytes;
}

}  // namespace backup::repository
