// SPDX-License-Identifier: Apache-2.0
// Tells which chunks an index segment cannot name, in about 9 bits a chunk: a binary fuse filter
// with 8-bit fingerprints (Graf and Lemire 2022, arXiv 2201.01174). Layout: docs/format.md
// section 8.
#pragma once

#include "core/content/chunk_id.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace backup::repository {

/// Immutable once made: any thread.
class IndexFilter {
  public:
    /// Lets everything pass.
    IndexFilter() = default;

    /// Keys may repeat. Lets everything pass in the (all but impossible) case that no filter can be
    /// made. Takes about 40 bytes a key while it works.
    static IndexFilter make(std::vector<std::uint64_t> keys);
    static std::uint64_t key_of(const content::ShortId& id);

    /// The plain bytes of the section; empty, or of a kind that is not known here: lets everything
    /// pass. Throws CorruptData; `what` names the segment.
    static IndexFilter decode(ByteView section, std::string_view what);
    Bytes encode() const;

    /// False: the id was not among the keys. True: it was, or one of 256 others.
    bool may_contain(const content::ShortId& id) const {
        return fingerprints_.empty() || contains_key(key_of(id));
    }

    std::size_t size_bytes() const { return fingerprints_.size(); }

  private:
    struct Shape {
        unsigned segment_bits = 0;  // a segment has 2^this slots
        std::uint32_t segments = 0;
        std::uint64_t seed = 0;

        std::size_t slot_count() const { return (std::size_t{segments} + 2) << segment_bits; }
    };

    static Shape shape_for(std::size_t keys);
    bool contains_key(std::uint64_t key) const;
    bool try_fill(const std::vector<std::uint64_t>& keys);

    Shape shape_;
    Bytes fingerprints_;
};

}  // namespace backup::repository
