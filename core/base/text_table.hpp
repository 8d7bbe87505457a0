// SPDX-License-Identifier: Apache-2.0
// Many texts, each kept once and known by a number: what a map of strings would hold, in a fraction
// of its memory. Knows nothing of what the texts mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace backup {

/// Texts may hold any bytes. Not safe to use from several threads while one of them adds.
class TextTable {
  public:
    using Id = std::uint32_t;

    /// The number of this text: counted from 0, the same one every time. Costs the bytes of the
    /// text and about 16 more when it is new.
    Id add(std::string_view text);

    /// A view that holds until the next add().
    std::string_view text(Id id) const;

    std::size_t size() const { return ends_.size(); }

  private:
    std::size_t slot_of(std::string_view text) const;
    void grow();

    std::string bytes_;
    std::vector<std::size_t> ends_;  // of each text in bytes_
    std::vector<Id> slots_;          // a power of two; open addressing
};

}  // namespace backup
