// SPDX-License-Identifier: Apache-2.0
#include "core/base/text_table.hpp"

#include <functional>
#include <limits>

namespace backup {

namespace {

constexpr TextTable::Id kFree = std::numeric_limits<TextTable::Id>::max();
constexpr std::size_t kFirstSlots = 16;

}  // namespace

TextTable::Id TextTable::add(std::string_view text) {
    if (2 * (size() + 1) > slots_.size()) {
        grow();
    }
    auto& slot = slots_[slot_of(text)];
    if (slot == kFree) {
        slot = static_cast<Id>(size());
        bytes_ += text;
        ends_.push_back(bytes_.size());
    }
    return slot;
}

std::string_view TextTable::text(Id id) const {
    const std::size_t begin = id == 0 ? 0 : ends_[id - 1];
    return std::string_view(bytes_).substr(begin, ends_[id] - begin);
}

/// Where the text is, or would be.
std::size_t TextTable::slot_of(std::string_view wanted) const {
    const auto mask = slots_.size() - 1;
    auto at = std::hash<std::string_view>()(wanted) & mask;
    while (slots_[at] != kFree && text(slots_[at]) != wanted) {
        at = (at + 1) & mask;
    }
    return at;
}

void TextTable::grow() {
    slots_.assign(slots_.empty() ? kFirstSlots : 2 * slots_.size(), kFree);
    for (Id id = 0; id < size(); ++id) {
        slots_[slot_of(text(id))] = id;
    }
}

}  // namespace backup
