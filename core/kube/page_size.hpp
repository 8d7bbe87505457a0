// SPDX-License-Identifier: Apache-2.0
// How many items the next page of a list may have: as many as asked for, fewer where items are
// large or the server is slow. No requests.
#pragma once

#include <cstdint>

namespace backup::kube {

/// One list, one thread.
class PageSize {
  public:
    explicit PageSize(std::uint32_t most);

    std::uint32_t items() const { return items_; }

    /// A page came: the next one is to have about 4 MiB. After some good pages a size that had been
    /// too large is tried again.
    void fit(std::uint64_t items, std::uint64_t bytes);
    /// It took too long or was too much: 100, 25, 5, 1 items. False: it was 1 already.
    bool shrink();

  private:
    std::uint32_t most_;
    std::uint32_t ceiling_;
    std::uint32_t items_;
    unsigned good_pages_ = 0;
};

}  // namespace backup::kube
