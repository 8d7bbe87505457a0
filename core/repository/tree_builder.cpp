// SPDX-License-Identifier: Apache-2.0
#include "core/repository/tree_builder.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/repository/extent_pages.hpp"
#include "core/repository/page_codec.hpp"
#include "core/repository/page_cuts.hpp"
#include "core/repository/page_encoder.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <unordered_set>

namespace backup::repository {
namespace {

using model::FileEntry;
using model::FileType;

constexpr std::size_t kDepthLimit = 1U << 16U;
constexpr std::uint32_t kUnwritten = 0xffffffffU;

// A mark stands in the depth-first order for a page that is not written yet; it learns the page
// when the record it was made for is written.
using Mark = std::uint32_t;

struct Record {
    DirectoryDraft draft;
    std::vector<Mark> marks;
};

// Records that will share a page, each directory before its subdirectories.
struct Group {
    std::vector<Record> records;
    PageSize size;
};

// Slices that wait for their record; when they are many, they get slices of their own above them.
struct Level {
    std::vector<SliceDraft> slices;
    PageSize size;
    Mark first = 0;  // of the first slice
};

struct OpenDirectory {
    FileEntry attributes;
    std::string last_name;
    Record record;                     // what came since the last slice was cut
    PageSize size;                     // of `record`
    Group group;                       // subdirectories that wait for a page
    std::vector<std::size_t> waiting;  // entries of `record` that point into `group`
    std::vector<Level> levels;
    Mark top = 0;
};

void check_xattrs(const FileEntry& entry) {
    std::size_t bytes = 0;
    for (const auto& xattr : entry.xattrs) {
        if (xattr.name.empty() || xattr.name.size() > kXattrNameLimitBytes) {
            throw Error(ErrorCode::InvalidArgument, "impossible name of an extended attribute");
        }
        bytes += xattr.name.size() + xattr.value.size();
    }
    if (bytes > kXattrLimitBytes || entry.xattrs.size() > kXattrCountLimit) {
        throw Error(ErrorCode::InvalidArgument,
                    concat(printable(entry.name),
                           ": ",
                           entry.xattrs.size(),
                           " extended attributes of ",
                           bytes,
                           " bytes are more than a tree can hold"));
    }
    for (std::size_t i = 1; i < entry.xattrs.size(); ++i) {
        if (entry.xattrs[i].name <= entry.xattrs[i - 1].name) {
            throw Error(ErrorCode::Internal, "extended attributes are not sorted");
        }
    }
}

void check_content(const FileEntry& entry, const FileContent& content) {
    if (entry.link_target.size() > kLinkTargetLimitBytes ||
        content.inline_bytes.size() > kInlineLimitBytes) {
        throw Error(ErrorCode::InvalidArgument,
                    concat(printable(entry.name), ": too long to stand in a page"));
    }
    if (entry.link_target.find('\0') != std::string::npos) {
        throw Error(ErrorCode::InvalidArgument,
                    concat(printable(entry.name), ": no link can lead there"));
    }
    const auto is_empty = content.inline_bytes.empty() && content.extents.empty();
    if (entry.type != FileType::Regular) {
        if (!is_empty) {
            throw Error(ErrorCode::Internal, "content of something that is no regular file");
        }
        return;
    }
    const auto length =
        content.extents.empty() ? content.inline_bytes.size() : content.extents.back().end;
    if (length != entry.size && !(is_empty && entry.content_unreadable)) {
        throw Error(ErrorCode::Internal,
                    concat(printable(entry.name),
                           ": size ",
                           entry.size,
                           " but content of ",
                           length,
                           " bytes"));
    }
    std::uint64_t end = 0;
    for (const auto& extent : content.extents) {
        if (extent.end <= end || !content.inline_bytes.empty()) {
            throw Error(ErrorCode::Internal, "extents out of order");
        }
        end = extent.end;
    }
}

}  // namespace

struct TreeBuilder::State {
    explicit State(std::unique_ptr<PageSink> page_sink) : sink(std::move(page_sink)) {}

    void begin(FileEntry attributes);
    void append(OpenDirectory& directory, EntryDraft entry);
    Group close(OpenDirectory& directory);
    void attach(OpenDirectory& parent, FileEntry attributes, Group group);
    void attach_built(OpenDirectory& parent, const FileEntry& attributes, const BuiltTree& built);
    void check_order(const FileEntry& entry) const;
    std::vector<content::ShortId> ordered_pages() const;
    content::ShortId write(const Group& group);

    std::unique_ptr<PageSink> sink;
    std::vector<OpenDirectory> open;
    BuiltTree tree;
    bool is_finished = false;

  private:
    void start_record(OpenDirectory& directory);
    void cut_slice(OpenDirectory& directory);
    void add_slice(OpenDirectory& directory, std::size_t level, SliceDraft slice, Mark mark);
    void raise_slices(OpenDirectory& directory, std::size_t level);
    content::ShortId flush_group(OpenDirectory& directory);
    Mark make_mark();

    std::vector<content::ShortId> written_;                // in the order of writing
    std::vector<std::uint32_t> page_of_mark_;              // number in written_
    std::map<Mark, std::vector<std::uint32_t>> above_;     // pages of slices of slices, inner first
    std::map<Mark, std::vector<content::ShortId>> built_;  // pages of trees of other builders
};

namespace {

Group take_group(OpenDirectory& directory) {
    Group group;
    group.size = size_of_record();
    group.size.add(directory.size);
    group.size.add(directory.group.size);
    group.records.push_back(std::move(directory.record));
    std::move(directory.group.records.begin(),
              directory.group.records.end(),
              std::back_inserter(group.records));
    directory.record = {};
    directory.size = {};
    directory.group = {};
    directory.waiting.clear();
    return group;
}

DirectoryDraft take_record(Level& level) {
    DirectoryDraft record;
    record.slices = std::move(level.slices);
    for (const auto& slice : record.slices) {
        record.all_entries += slice.entries;
        record.subdirectories += slice.subdirectories;
    }
    level = {};
    return record;
}

SliceDraft make_slice(const DirectoryDraft& record, const std::string& first_name) {
    SliceDraft slice;
    slice.first_name = first_name;
    slice.entries = static_cast<std::uint32_t>(record.all_entries);
    slice.subdirectories = record.subdirectories;
    return slice;
}

}  // namespace

void TreeBuilder::State::check_order(const FileEntry& entry) const {
    if (open.empty()) {
        throw Error(ErrorCode::Internal, "an entry outside of the tree");
    }
    if (!model::is_valid_name(entry.name)) {
        throw Error(ErrorCode::InvalidArgument,
                    concat("'", printable(entry.name), "' cannot be a file name"));
    }
    if (entry.name <= open.back().last_name) {
        throw Error(ErrorCode::Internal,
                    concat("entries out of order: ",
                           printable(entry.name),
                           " behind ",
                           printable(open.back().last_name)));
    }
}

Mark TreeBuilder::State::make_mark() {
    page_of_mark_.push_back(kUnwritten);
    return static_cast<Mark>(page_of_mark_.size() - 1);
}

void TreeBuilder::State::begin(FileEntry attributes) {
    OpenDirectory directory;
    directory.attributes = std::move(attributes);
    directory.top = make_mark();
    start_record(directory);
    open.push_back(std::move(directory));
}

void TreeBuilder::State::start_record(OpenDirectory& directory) {
    directory.record.marks.push_back(make_mark());
}

content::ShortId TreeBuilder::State::write(const Group& group) {
    std::vector<const DirectoryDraft*> drafts;
    for (const auto& record : group.records) {
        drafts.push_back(&record.draft);
    }
    const auto id = sink->put(content::ChunkKind::Page, encode_page(drafts));
    const auto number = static_cast<std::uint32_t>(written_.size());
    written_.push_back(id);
    for (const auto& record : group.records) {
        for (const auto mark : record.marks) {
            page_of_mark_[mark] = number;
        }
    }
    return id;
}

void TreeBuilder::State::append(OpenDirectory& directory, EntryDraft entry) {
    directory.last_name = entry.attributes.name;
    ++directory.record.draft.all_entries;
    if (entry.attributes.type == FileType::Directory) {
        ++directory.record.draft.subdirectories;
    }
    const auto size = size_of(entry);
    directory.size.add(size);
    directory.record.draft.entries.push_back(std::move(entry));
    if (is_cut(directory.size, size.weight, directory.last_name)) {
        cut_slice(directory);
        start_record(directory);
    }
}

void TreeBuilder::State::cut_slice(OpenDirectory& directory) {
    const auto& draft = directory.record.draft;
    auto slice = make_slice(draft, draft.entries.front().attributes.name);
    const auto mark = directory.record.marks.front();
    slice.target = {write(take_group(directory)), 0};
    add_slice(directory, 0, std::move(slice), mark);
}

void TreeBuilder::State::add_slice(OpenDirectory& directory,
                                   std::size_t level,
                                   SliceDraft slice,
                                   Mark mark) {
    if (directory.levels.size() == level) {
        directory.levels.emplace_back();
    }
    auto& here = directory.levels[level];
    if (here.slices.empty()) {
        here.first = mark;
    }
    const auto name = slice.first_name;
    const auto size = size_of(slice);
    here.size.add(size);
    here.slices.push_back(std::move(slice));
    if (is_cut(here.size, size.weight, name)) {
        raise_slices(directory, level);
    }
}

void TreeBuilder::State::raise_slices(OpenDirectory& directory, std::size_t level) {
    const auto mark = directory.levels[level].first;
    Group group;
    group.records.push_back({take_record(directory.levels[level]), {}});
    const auto& draft = group.records.front().draft;
    auto slice = make_slice(draft, draft.slices.front().first_name);
    slice.target = {write(group), 0};
    above_[mark].push_back(static_cast<std::uint32_t>(written_.size() - 1));
    add_slice(directory, level + 1, std::move(slice), mark);
}

// The record that stands for the whole directory, with all that has to share its page.
Group TreeBuilder::State::close(OpenDirectory& directory) {
    if (directory.levels.empty()) {
        directory.record.marks.push_back(directory.top);
        return take_group(directory);
    }
    if (!directory.record.draft.entries.empty()) {
        cut_slice(directory);
    }
    for (std::size_t level = 0; level + 1 < directory.levels.size(); ++level) {
        if (!directory.levels[level].slices.empty()) {
            raise_slices(directory, level);
        }
    }
    Group group;
    group.size = size_of_record();
    group.size.add(directory.levels.back().size);
    group.records.push_back({take_record(directory.levels.back()), {directory.top}});
    return group;
}

void TreeBuilder::State::attach(OpenDirectory& parent, FileEntry attributes, Group group) {
    EntryDraft entry;
    entry.attributes = std::move(attributes);
    const auto weight = group.size.weight;
    if (is_full(group.size)) {
        entry.target.page = write(group);
        append(parent, std::move(entry));
        return;
    }
    // Counted from the parent's own record, which will stand in front of the group.
    entry.target.slot = static_cast<std::uint32_t>(parent.group.records.size()) + 1;
    std::move(group.records.begin(), group.records.end(), std::back_inserter(parent.group.records));
    parent.group.size.add(group.size);
    parent.waiting.push_back(parent.record.draft.entries.size());
    if (is_cut(parent.group.size, weight, entry.attributes.name)) {
        const auto slot = entry.target.slot - 1;
        parent.waiting.pop_back();
        entry.target = {flush_group(parent), slot};
    }
    append(parent, std::move(entry));
}

void TreeBuilder::State::attach_built(OpenDirectory& parent,
                                      const FileEntry& attributes,
                                      const BuiltTree& built) {
    EntryDraft entry;
    entry.attributes = attributes;
    entry.target = {built.root.page, built.root.slot};
    built_[make_mark()] = built.pages;
    append(parent, std::move(entry));
}

content::ShortId TreeBuilder::State::flush_group(OpenDirectory& directory) {
    const auto id = write(directory.group);
    for (const auto number : directory.waiting) {
        auto& target = directory.record.draft.entries[number].target;
        target = {id, target.slot - 1};
    }
    directory.waiting.clear();
    directory.group = {};
    return id;
}

std::vector<content::ShortId> TreeBuilder::State::ordered_pages() const {
    std::vector<content::ShortId> pages;
    std::unordered_set<content::ShortId> seen;
    const auto reach_page = [&](const content::ShortId& page) {
        if (seen.insert(page).second) {
            pages.push_back(page);
        }
    };
    const auto reach = [&](std::uint32_t number) {
        if (number != kUnwritten) {
            reach_page(written_[number]);
        }
    };
    for (Mark mark = 0; mark < page_of_mark_.size(); ++mark) {
        if (const auto above = above_.find(mark); above != above_.end()) {
            std::for_each(above->second.rbegin(), above->second.rend(), reach);
        }
        reach(page_of_mark_[mark]);
        if (const auto built = built_.find(mark); built != built_.end()) {
            std::for_each(built->second.begin(), built->second.end(), reach_page);
        }
    }
    return pages;
}

TreeBuilder::TreeBuilder(std::unique_ptr<PageSink> sink)
    : state_(std::make_unique<State>(std::move(sink))) {}

TreeBuilder::~TreeBuilder() = default;

void TreeBuilder::begin_directory(const FileEntry& directory) {
    auto& state = *state_;
    if (state.is_finished || state.open.size() >= kDepthLimit) {
        throw Error(ErrorCode::InvalidArgument,
                    state.is_finished ? "a directory behind the end of the tree"
                                      : "directories are nested too deeply");
    }
    if (directory.type != FileType::Directory) {
        throw Error(ErrorCode::Internal, "begin_directory with something else");
    }
    if (!state.open.empty()) {
        state.check_order(directory);
        check_xattrs(directory);
        state.open.back().last_name = directory.name;
        ++state.tree.directories;
    }
    state.begin(directory);
}

void TreeBuilder::add(const FileEntry& entry, const FileContent& content) {
    auto& state = *state_;
    state.check_order(entry);
    check_xattrs(entry);
    check_content(entry, content);
    EntryDraft draft;
    draft.attributes = entry;
    draft.content.inline_bytes = content.inline_bytes;
    if (!content.extents.empty()) {
        auto root = store_extents(*state.sink, content.extents);
        draft.content.extents = std::move(root.extents);
        draft.depth = root.depth;
    }
    ++state.tree.files;
    state.tree.bytes += entry.type == FileType::Regular ? entry.size : 0;
    state.append(state.open.back(), std::move(draft));
}

void TreeBuilder::end_directory() {
    auto& state = *state_;
    if (state.open.empty()) {
        throw Error(ErrorCode::Internal, "no directory is open");
    }
    auto directory = std::move(state.open.back());
    state.open.pop_back();
    auto group = state.close(directory);
    if (state.open.empty()) {
        state.tree.root = {state.write(group), 0};
        state.is_finished = true;
        return;
    }
    state.attach(state.open.back(), std::move(directory.attributes), std::move(group));
}

void TreeBuilder::add_tree(const FileEntry& directory, const BuiltTree& tree) {
    auto& state = *state_;
    state.check_order(directory);
    check_xattrs(directory);
    if (directory.type != FileType::Directory) {
        throw Error(ErrorCode::Internal, "add_tree with something else than a directory");
    }
    state.tree.directories += tree.directories + 1;
    state.tree.files += tree.files;
    state.tree.bytes += tree.bytes;
    state.attach_built(state.open.back(), directory, tree);
}

BuiltTree TreeBuilder::finish() {
    if (!state_->is_finished) {
        throw Error(ErrorCode::Internal, "the tree is not ended");
    }
    state_->tree.pages = state_->ordered_pages();
    return std::move(state_->tree);
}

Bytes encode_page_table(const std::vector<content::ShortId>& pages) {
    Bytes table;
    table.reserve(pages.size() * kPageReferenceBytes);
    for (const auto& page : pages) {
        append(table, page.bytes);
    }
    return table;
}

}  // namespace backup::repository
