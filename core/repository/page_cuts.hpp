// SPDX-License-Identifier: Apache-2.0
// Where pages and slices are cut. The weight counts names, not content, so that a file that grows
// moves no cut; behind a shortest page each name is a cut by its hash, so that cuts settle again
// soon behind an added or removed name.
#pragma once

#include "core/repository/page_encoder.hpp"

#include <cstddef>
#include <string_view>

namespace backup::repository {

struct PageSize {
    std::size_t weight = 0;  // decides; depends on names only
    std::size_t bytes = 0;   // keeps the page below the format's limit

    void add(const PageSize& other) {
        weight += other.weight;
        bytes += other.bytes;
    }
};

PageSize size_of(const EntryDraft& entry);
PageSize size_of(const SliceDraft& slice);
/// A directory record without its entries.
PageSize size_of_record();

/// True when what has grown to `size` ends behind the item called `name`, which weighed `added`.
bool is_cut(const PageSize& size, std::size_t added, std::string_view name);

/// True when a subtree fills a page of its own.
bool is_full(const PageSize& size);

}  // namespace backup::repository
