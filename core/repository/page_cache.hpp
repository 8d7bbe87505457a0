// SPDX-License-Identifier: Apache-2.0
// Decoded pages, the least recently used dropped first, bounded by bytes. Pages that are in use
// stay alive for their users when they are dropped. All functions may be called from any thread.
#pragma once

#include "core/base/synchronized.hpp"
#include "core/repository/page_codec.hpp"
#include "core/repository/page_store.hpp"

#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

namespace backup::repository {

/// A decoded page: `view` is there for directory pages, `extents` for extent pages.
struct Page {
    Bytes bytes;
    std::unique_ptr<const PageView> view;
    std::vector<Extent> extents;
};

using PagePointer = std::shared_ptr<const Page>;

class PageCache {
  public:
    PageCache(std::shared_ptr<PageSource> source, std::uint64_t limit_bytes);

    PagePointer get_directory_page(const content::ShortId& id);
    PagePointer get_extent_page(const content::ShortId& id);

    PageSource& source() { return *source_; }

  private:
    struct Slot {
        content::ShortId id;
        PagePointer page;
    };

    struct Contents {
        std::list<Slot> by_use;  // the latest first
        std::unordered_map<content::ShortId, std::list<Slot>::iterator> by_id;
        std::uint64_t bytes = 0;
    };

    PagePointer find(const content::ShortId& id);
    void keep(const content::ShortId& id, const PagePointer& page);
    PagePointer get(const content::ShortId& id, bool is_directory_page);

    std::shared_ptr<PageSource> source_;
    std::uint64_t limit_bytes_;
    Synchronized<Contents> contents_;
};

}  // namespace backup::repository
