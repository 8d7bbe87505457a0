// SPDX-License-Identifier: Apache-2.0
#include "core/repository/page_cache.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/repository/extent_pages.hpp"

namespace backup::repository {

namespace {

std::uint64_t cost_of(const Page& page) {
    constexpr std::uint64_t kOverhead = 256;
    return page.bytes.size() + page.extents.size() * sizeof(Extent) + kOverhead;
}

}  // namespace

PageCache::PageCache(std::shared_ptr<PageSource> source, std::uint64_t limit_bytes)
    : source_(std::move(source)),
      limit_bytes_(limit_bytes) {}

PagePointer PageCache::get_directory_page(const content::ShortId& id) {
    return get(id, true);
}

PagePointer PageCache::get_extent_page(const content::ShortId& id) {
    return get(id, false);
}

PagePointer PageCache::find(const content::ShortId& id) {
    auto contents = contents_.lock();
    const auto known = contents->by_id.find(id);
    if (known == contents->by_id.end()) {
        return nullptr;
    }
    contents->by_use.splice(contents->by_use.begin(), contents->by_use, known->second);
    return known->second->page;
}

// Two threads that miss the same page both load it: harmless, and no thread waits for the other.
PagePointer PageCache::get(const content::ShortId& id, bool is_directory_page) {
    auto page = find(id);
    if (page == nullptr || (page->view != nullptr) != is_directory_page) {
        page = with_context([&] { return concat("page ", id.hex()); },
                            [&]() -> PagePointer {
                                auto fresh = std::make_shared<Page>();
                                fresh->bytes = source_->get(id);
                                if (is_directory_page) {
                                    fresh->view = std::make_unique<const PageView>(fresh->bytes);
                                } else {
                                    fresh->extents = decode_extent_page(fresh->bytes);
                                    fresh->bytes = {};
                                }
                                return fresh;
                            });
        keep(id, page);
    }
    return page;
}

void PageCache::keep(const content::ShortId& id, const PagePointer& page) {
    auto contents = contents_.lock();
    if (contents->by_id.contains(id)) {
        return;
    }
    contents->by_use.push_front({id, page});
    contents->by_id.emplace(id, contents->by_use.begin());
    contents->bytes += cost_of(*page);
    while (contents->bytes > limit_bytes_ && contents->by_use.size() > 1) {
        const auto& oldest = contents->by_use.back();
        contents->bytes -= cost_of(*oldest.page);
        contents->by_id.erase(oldest.id);
        contents->by_use.pop_back();
    }
}

}  // namespace backup::repository
