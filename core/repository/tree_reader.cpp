// SPDX-License-Identifier: Apache-2.0
#include "core/repository/tree_reader.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/repository/file_extents.hpp"
#include "core/repository/page_cache.hpp"

#include <algorithm>
#include <numeric>
#include <ranges>

namespace backup::repository {
namespace {

// Slices of slices: one level holds a million entries, two hold a thousand million.
constexpr unsigned kSliceDepthLimit = 8;

// Of what has no extents; a lie may say that it has any size.
constexpr std::uint64_t kLongestPlainPiece = 1U << 20U;

struct Found {
    PagePointer page;
    content::ShortId id;
    DirectoryRecord record;
};

Error unreadable(const TreeEntry& entry) {
    return {
        ErrorCode::Io,
        concat(printable(entry.attributes.name), ": could not be read when the backup was made")};
}

// The names of a directory end before this one; none: they go on to the end of all.
using NameEnd = std::optional<std::string>;

// First number in [first, first + count) whose name is not before `name`.
template <typename NameOf>
std::uint32_t lower_bound_name(std::uint32_t first,
                               std::uint32_t count,
                               std::string_view name,
                               NameOf&& name_of) {
    const auto numbers = std::views::iota(first, first + count);
    const auto found = std::ranges::lower_bound(numbers, name, {}, name_of);
    return first + static_cast<std::uint32_t>(found - numbers.begin());
}

}  // namespace

struct TreeReader::State {
    State(std::shared_ptr<PageCache> page_cache,
          DirectoryRef root_directory,
          std::vector<content::ShortId> page_table)
        : cache(std::move(page_cache)),
          root(root_directory),
          pages(std::move(page_table)) {
        by_id.resize(pages.size());
        std::iota(by_id.begin(), by_id.end(), 0U);
        std::sort(by_id.begin(), by_id.end(), [this](std::uint32_t a, std::uint32_t b) {
            return pages[a] < pages[b];
        });
        const auto is_same = [this](std::uint32_t a, std::uint32_t b) {
            return pages[a] == pages[b];
        };
        if (std::adjacent_find(by_id.begin(), by_id.end(), is_same) != by_id.end()) {
            throw Error(ErrorCode::CorruptData, "the tree's list of pages names one twice");
        }
    }

    std::optional<std::uint32_t> find_ordinal(const content::ShortId& page) const {
        const auto at = std::lower_bound(
            by_id.begin(), by_id.end(), page, [this](std::uint32_t a, const content::ShortId& id) {
                return pages[a] < id;
            });
        return at != by_id.end() && pages[*at] == page ? std::optional(*at) : std::nullopt;
    }

    Found open(const DirectoryRef& directory);
    Found open_slice(const Found& above, std::uint32_t number, NameEnd& end);
    TreeEntry decode(const PageView& view,
                     const content::ShortId& page,
                     std::optional<std::uint32_t> ordinal,
                     std::uint32_t index) const;
    bool list(const Found& found,
              const NameEnd& end,
              std::uint64_t& skip,
              unsigned depth,
              const std::function<bool(const TreeEntry&)>& visit);
    PagePointer page_of(const TreeEntry& entry);

    FileExtents extents(const PagePointer& page, const EntryRecord& record) const {
        return {*cache, page, record};
    }

    std::shared_ptr<PageCache> cache;
    DirectoryRef root;
    std::vector<content::ShortId> pages;
    std::vector<std::uint32_t> by_id;  // numbers of pages, sorted by the ids of the pages
};

Found TreeReader::State::open(const DirectoryRef& directory) {
    Found found{cache->get_directory_page(directory.page), directory.page, {}};
    if (directory.slot >= found.page->view->directories()) {
        throw Error(ErrorCode::CorruptData,
                    concat("page ", directory.page.hex(), " has no directory ", directory.slot));
    }
    found.record = found.page->view->directory(directory.slot);
    return found;
}

// Each slice leads to names of its own: otherwise a few pages stood for a listing without end.
Found TreeReader::State::open_slice(const Found& above, std::uint32_t number, NameEnd& end) {
    const auto& view = *above.page->view;
    const auto slice = view.slice(number);
    if (number + 1 < above.record.first_slice + above.record.slices) {
        end = std::string(view.slice(number + 1).first_name);
    }
    auto found =
        open({slice.page == kThisPage ? above.id : view.page_reference(slice.page), slice.slot});
    const auto& target = *found.page->view;
    if (found.record.all_entries != slice.entries ||
        target.first_name(found.record) != slice.first_name ||
        (end && target.last_name(found.record) >= *end)) {
        throw Error(ErrorCode::CorruptData, concat("page ", found.id.hex(), " belies its slice"));
    }
    return found;
}

TreeEntry TreeReader::State::decode(const PageView& view,
                                    const content::ShortId& page,
                                    std::optional<std::uint32_t> ordinal,
                                    std::uint32_t index) const {
    TreeEntry out;
    out.attributes = view.decode_entry(index);
    out.page = page;
    out.index = index;
    const auto record = view.entry(index);
    if (record.content == ContentKind::Directory) {
        out.directory = {record.a == kThisPage ? page : view.page_reference(record.a), record.b};
    }
    if (ordinal) {
        out.position = (std::uint64_t{*ordinal} << kPositionIndexBits) | index;
    }
    return out;
}

// `skip` counts down to the first entry that is wanted; false when the visitor has enough.
bool TreeReader::State::list(const Found& found,
                             const NameEnd& end,
                             std::uint64_t& skip,
                             unsigned depth,
                             const std::function<bool(const TreeEntry&)>& visit) {
    if (depth > kSliceDepthLimit) {
        throw Error(ErrorCode::CorruptData, "slices are nested too deeply");
    }
    const auto& view = *found.page->view;
    for (std::uint32_t i = 0; i < found.record.slices; ++i) {
        const auto number = found.record.first_slice + i;
        if (const auto entries = view.slice(number).entries; skip >= entries) {
            skip -= entries;
            continue;
        }
        auto below_end = end;
        if (!list(open_slice(found, number, below_end), below_end, skip, depth + 1, visit)) {
            return false;
        }
    }
    const auto begin =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(skip, found.record.entries));
    skip -= begin;
    const auto ordinal = find_ordinal(found.id);
    for (auto i = begin; i < found.record.entries; ++i) {
        if (!visit(decode(view, found.id, ordinal, found.record.first_entry + i))) {
            return false;
        }
    }
    return true;
}

PagePointer TreeReader::State::page_of(const TreeEntry& entry) {
    auto page = cache->get_directory_page(entry.page);
    if (entry.index >= page->view->entries()) {
        throw Error(ErrorCode::CorruptData,
                    concat("page ", entry.page.hex(), " has no entry ", entry.index));
    }
    return page;
}

TreeReader::TreeReader(std::shared_ptr<PageSource> source,
                       DirectoryRef root,
                       std::vector<content::ShortId> pages,
                       TreeReaderOptions options)
    : TreeReader(std::make_shared<PageCache>(std::move(source), options.page_cache_bytes),
                 root,
                 std::move(pages)) {}

TreeReader::TreeReader(std::shared_ptr<PageCache> cache,
                       DirectoryRef root,
                       std::vector<content::ShortId> pages)
    : state_(std::make_unique<State>(std::move(cache), root, std::move(pages))) {}

TreeReader::~TreeReader() = default;

DirectoryRef TreeReader::root() const {
    return state_->root;
}

DirectorySummary TreeReader::summarize(const DirectoryRef& directory) {
    const auto record = state_->open(directory).record;
    return {record.all_entries, record.subdirectories};
}

std::optional<TreeEntry> TreeReader::find(const DirectoryRef& directory, std::string_view name) {
    auto found = state_->open(directory);
    NameEnd name_end;
    for (unsigned depth = 0; depth <= kSliceDepthLimit; ++depth) {
        const auto& view = *found.page->view;
        const auto& record = found.record;
        if (record.slices == 0) {
            const auto end = record.first_entry + record.entries;
            const auto at =
                lower_bound_name(record.first_entry, record.entries, name, [&](std::uint32_t i) {
                    return view.entry_name(i);
                });
            if (at == end || view.entry_name(at) != name) {
                return std::nullopt;
            }
            return state_->decode(view, found.id, state_->find_ordinal(found.id), at);
        }
        auto at = lower_bound_name(record.first_slice, record.slices, name, [&](std::uint32_t i) {
            return view.slice(i).first_name;
        });
        const bool is_first_of_slice =
            at < record.first_slice + record.slices && view.slice(at).first_name == name;
        if (!is_first_of_slice && at-- == record.first_slice) {
            return std::nullopt;
        }
        found = state_->open_slice(found, at, name_end);
    }
    throw Error(ErrorCode::CorruptData, "slices are nested too deeply");
}

void TreeReader::list(const DirectoryRef& directory,
                      std::uint64_t first,
                      const std::function<bool(const TreeEntry&)>& visit) {
    state_->list(state_->open(directory), std::nullopt, first, 0, visit);
}

TreeEntry TreeReader::at(std::uint64_t position) {
    const auto ordinal = position >> kPositionIndexBits;
    const auto index =
        static_cast<std::uint32_t>(position & ((std::uint64_t{1} << kPositionIndexBits) - 1));
    if (ordinal >= state_->pages.size()) {
        throw Error(ErrorCode::CorruptData, concat("the tree has no page ", ordinal));
    }
    TreeEntry place;
    place.page = state_->pages[ordinal];
    place.index = index;
    const auto page = state_->page_of(place);
    return state_->decode(*page->view, place.page, static_cast<std::uint32_t>(ordinal), index);
}

FileContent TreeReader::load_content(const TreeEntry& entry) {
    const auto page = state_->page_of(entry);
    const auto& view = *page->view;
    const auto record = view.entry(entry.index);
    FileContent content;
    if (record.content == ContentKind::Inline) {
        content.inline_bytes = std::string(view.heap(record.a, record.b));
    }
    if (record.content == ContentKind::Extents) {
        state_->extents(page, record).each([&](std::uint64_t, const Extent& extent) {
            content.extents.push_back(extent);
        });
    }
    return content;
}

std::size_t TreeReader::read(const TreeEntry& entry,
                             std::uint64_t offset,
                             std::span<std::byte> out) {
    const auto page = state_->page_of(entry);
    const auto& view = *page->view;
    const auto record = view.entry(entry.index);
    if (record.type != model::FileType::Regular || offset >= record.size) {
        return 0;
    }
    const auto wanted = out.first(std::min<std::uint64_t>(out.size(), record.size - offset));
    switch (record.content) {
        case ContentKind::Inline: {
            const auto bytes = as_bytes(view.heap(record.a, record.b));
            std::ranges::copy(bytes.subspan(offset, wanted.size()), wanted.begin());
            return wanted.size();
        }
        case ContentKind::Extents:
            state_->extents(page, record).read(offset, wanted);
            return wanted.size();
        default:
            throw unreadable(entry);
    }
}

std::uint64_t TreeReader::piece_end(const TreeEntry& entry, std::uint64_t offset) {
    const auto page = state_->page_of(entry);
    const auto record = page->view->entry(entry.index);
    const auto left = record.size - std::min(offset, record.size);
    if (record.content != ContentKind::Extents || left == 0) {
        return offset + std::min(left, kLongestPlainPiece);
    }
    return state_->extents(page, record).piece_end(offset);
}

ByteChain TreeReader::collect(const TreeEntry& entry, std::uint64_t offset, std::uint64_t size) {
    const auto page = state_->page_of(entry);
    const auto& view = *page->view;
    const auto record = view.entry(entry.index);
    ByteChain out;
    if (record.type != model::FileType::Regular || offset >= record.size) {
        return out;
    }
    size = std::min(size, record.size - offset);
    switch (record.content) {
        case ContentKind::Inline:
            out.push_back({as_bytes(view.heap(record.a, record.b)).subspan(offset, size), page});
            break;
        case ContentKind::Extents:
            state_->extents(page, record).collect(offset, size, out);
            break;
        default:
            throw unreadable(entry);
    }
    return out;
}

std::uint64_t TreeReader::allocated_bytes(const TreeEntry& entry) {
    const auto page = state_->page_of(entry);
    const auto record = page->view->entry(entry.index);
    if (record.content != ContentKind::Extents) {
        return record.content == ContentKind::Inline ? record.size : 0;
    }
    std::uint64_t sum = 0;
    state_->extents(page, record).each([&](std::uint64_t begin, const Extent& extent) {
        sum += extent.chunk.is_hole() ? 0 : extent.end - begin;
    });
    return sum;
}

std::optional<std::uint64_t> TreeReader::seek_data(const TreeEntry& entry, std::uint64_t offset) {
    const auto page = state_->page_of(entry);
    const auto record = page->view->entry(entry.index);
    if (record.content != ContentKind::Extents) {
        return offset < record.size ? std::optional(offset) : std::nullopt;
    }
    offset = state_->extents(page, record).seek(offset, false);
    return offset < record.size ? std::optional(offset) : std::nullopt;
}

std::uint64_t TreeReader::seek_hole(const TreeEntry& entry, std::uint64_t offset) {
    const auto page = state_->page_of(entry);
    const auto record = page->view->entry(entry.index);
    if (record.content != ContentKind::Extents) {
        return std::max(offset, record.size);
    }
    return state_->extents(page, record).seek(offset, true);
}

}  // namespace backup::repository
