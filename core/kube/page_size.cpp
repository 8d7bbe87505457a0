// SPDX-License-Identifier: Apache-2.0
#include "core/kube/page_size.hpp"

#include <algorithm>
#include <array>

namespace backup::kube {

namespace {

constexpr std::uint64_t kWantedBytes = 4U << 20U;
constexpr unsigned kPagesBeforeGrowth = 8;
constexpr std::array<std::uint32_t, 4> kSteps = {100, 25, 5, 1};

}  // namespace

PageSize::PageSize(std::uint32_t most)
    : most_(std::max(most, 1U)),
      ceiling_(most_),
      items_(most_) {}

void PageSize::fit(std::uint64_t items, std::uint64_t bytes) {
    if (ceiling_ < most_ && ++good_pages_ >= kPagesBeforeGrowth) {
        good_pages_ = 0;
        ceiling_ = std::min(most_, ceiling_ * 2);
    }
    const std::uint64_t one = items == 0 ? 0 : bytes / items;
    const std::uint64_t wanted = one == 0 ? ceiling_ : kWantedBytes / one;
    items_ = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(wanted, 1, ceiling_));
}

bool PageSize::shrink() {
    good_pages_ = 0;
    const auto step = std::find_if(
        kSteps.begin(), kSteps.end(), [this](std::uint32_t size) { return size < items_; });
    if (step == kSteps.end()) {
        return false;
    }
    items_ = *step;
    ceiling_ = *step;
    return true;
}

}  // namespace backup::kube
