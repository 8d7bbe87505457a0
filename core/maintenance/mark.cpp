// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/mark.hpp"

#include "core/base/stop_on_signal.hpp"
#include "core/base/text.hpp"
#include "core/repository/extent_pages.hpp"
#include "core/repository/page_codec.hpp"

#include <algorithm>
#include <utility>

namespace backup::maintenance {

using namespace repository;

void Marker::mark(const PointRecord& record, const std::stop_token& stop) {
    if (marked_.contains(record.point.id)) {
        return;
    }
    begun_.insert(record.point.id);
    try {
        for (const auto* stream : {&record.pages, &record.ledger, &record.packs}) {
            mark_stream(*stream);
        }
        mark_pack_list(record);
        mark_tree(record.root.page, stop);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::CorruptData) {
            throw;
        }
        throw Error(
            ErrorCode::CorruptData,
            concat("what point ", record.point.name, " needs cannot be read: ", error.what()))
            .hint(
                "kubectl backup repo repair mends what can be mended; a point that is lost can be"
                " deleted");
    }
    marked_.insert(record.point.id);
}

void Marker::mark_stream(const Stream& stream) {
    for (const auto& [id, length] : stream) {
        live_.add(id.short_id());
    }
}

void Marker::mark_pack_list(const PointRecord& record) {
    const auto names = read_pack_list(chunks_, record);
    listed_packs_.insert(names.begin(), names.end());
}

void Marker::mark_tree(const content::ShortId& root, const std::stop_token& stop) {
    std::vector<content::ShortId> ahead{root};
    // Pages may name each other any number of times: each waits once.
    std::unordered_set<content::ShortId> asked{root};
    while (!ahead.empty()) {
        throw_if_stopped(stop);
        const auto id = ahead.back();
        ahead.pop_back();
        if (seen_pages_.contains(id)) {
            continue;
        }
        for (const auto& below : mark_page(id)) {
            if (!seen_pages_.contains(below) && asked.insert(below).second) {
                ahead.push_back(below);
            }
        }
        // Only now: a page that could not be read has to fail again for the next point.
        seen_pages_.insert(id);
    }
}

std::vector<content::ShortId> Marker::mark_page(const content::ShortId& id) {
    live_.add(id);
    const auto bytes = chunks_.read(id);
    ++pages_read_;
    const PageView view(bytes);
    std::vector<content::ShortId> below;
    for (std::uint32_t i = 0; i < view.page_references(); ++i) {
        below.push_back(view.page_reference(i));
    }
    for (std::uint32_t i = 0; i < view.entries(); ++i) {
        const auto entry = view.entry(i);
        if (entry.content != ContentKind::Extents) {
            continue;
        }
        std::vector<ExtentPage> extent_pages;
        for (std::uint32_t k = 0; k < entry.b; ++k) {
            const auto chunk = view.extent(entry.a + k).chunk;
            if (chunk.is_hole()) {
                continue;
            }
            if (entry.depth == 0) {
                live_.add(chunk);
            } else {
                extent_pages.push_back({chunk, entry.depth});
            }
        }
        mark_extent_pages(std::move(extent_pages));
    }
    return below;
}

void Marker::mark_extent_pages(std::vector<ExtentPage> ahead) {
    while (!ahead.empty()) {
        const auto page = ahead.back();
        ahead.pop_back();
        if (seen_pages_.contains(page.id)) {
            continue;
        }
        live_.add(page.id);
        const auto bytes = chunks_.read(page.id);
        ++pages_read_;
        for (const auto& extent : decode_extent_page(bytes)) {
            if (extent.chunk.is_hole()) {
                continue;
            }
            if (page.depth > 1) {
                ahead.push_back({extent.chunk, page.depth - 1});
            } else {
                live_.add(extent.chunk);
            }
        }
        seen_pages_.insert(page.id);
    }
}

}  // namespace backup::maintenance
