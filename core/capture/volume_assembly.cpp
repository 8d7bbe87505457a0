// SPDX-License-Identifier: Apache-2.0
#include "core/capture/volume_assembly.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

namespace backup::capture {

namespace {

constexpr std::size_t kListedPaths = 1000;
/// The mover keeps half as many; more can only come from one that lies.
constexpr std::size_t kMostLinkGroups = 2U << 20U;

[[noreturn]] void corrupt(std::string what) {
    throw Error(ErrorCode::CorruptData, "the mover contradicts itself: " + std::move(what));
}

std::uint64_t end_of(const repository::FileContent& content) {
    return content.extents.empty() ? content.inline_bytes.size() : content.extents.back().end;
}

}  // namespace

std::string VolumeAssembly::path_of(std::string_view name) const {
    return path_.empty() ? std::string(name) : concat(path_, "/", name);
}

void VolumeAssembly::add_unreadable(std::string path, std::string_view reason) {
    ++record_.files_unreadable;
    if (record_.unreadable.size() < kListedPaths) {
        record_.unreadable.push_back(concat(printable(path), ": ", printable(reason)));
    }
}

VolumeAssembly::Item& VolumeAssembly::push(Kind kind, volume::EntryItem entry) {
    const bool is_root = entry.entry.name.empty();
    if (is_root == is_root_received_ || (!is_root && open_directories_ == 0)) {
        corrupt("an entry outside the tree");
    }
    is_root_received_ = true;
    if (!is_root) {
        if (entry.entry.name <= last_names_.back()) {
            corrupt("names out of order");
        }
        last_names_.back() = entry.entry.name;
    }
    Item& item = items_.emplace_back();
    item.kind = kind;
    item.entry = std::move(entry.entry);
    item.same_as = entry.same_as;
    item.problem = std::move(entry.problem);
    return item;
}

void VolumeAssembly::begin_directory(volume::EntryItem item) {
    push(Kind::Begin, std::move(item));
    last_names_.emplace_back();
    ++open_directories_;
    if (open_directories_ > volume::kDeepestDirectory + 1) {
        corrupt("directories are nested too deeply");
    }
}

void VolumeAssembly::end_directory() {
    if (open_directories_ == 0) {
        corrupt("a directory ends that did not begin");
    }
    --open_directories_;
    last_names_.pop_back();
    items_.emplace_back().kind = Kind::End;
}

void VolumeAssembly::add(volume::EntryItem item, repository::FileContent content) {
    push(Kind::File, std::move(item)).content = std::move(content);
}

void VolumeAssembly::add_waiting(volume::EntryItem item, std::uint64_t number) {
    Item& pushed = push(Kind::File, std::move(item));
    pushed.is_waiting = true;
    waiting_.emplace(number, &pushed);
}

void VolumeAssembly::add_link(volume::EntryItem item) {
    push(Kind::File, std::move(item));
}

void VolumeAssembly::end_batch() {
    items_.emplace_back().kind = Kind::BatchEnd;
}

void VolumeAssembly::begin_file(std::uint64_t number) {
    const auto found = waiting_.find(number);
    if (found == waiting_.end()) {
        corrupt("content of a file nobody asked for");
    }
    current_ = found->second;
    current_->number = number;
    current_->is_begun = true;
}

VolumeAssembly::Item& VolumeAssembly::current() {
    if (current_ == nullptr) {
        corrupt("content of no file");
    }
    return *current_;
}

void VolumeAssembly::extend(const content::ShortId& id, std::uint64_t length) {
    repository::FileContent& content = current().content;
    const std::uint64_t end = end_of(content) + length;
    if (length == 0 || end < length || !content.inline_bytes.empty()) {
        corrupt("content of an impossible length");
    }
    if (id.is_hole() && !content.extents.empty() && content.extents.back().chunk.is_hole()) {
        content.extents.back().end = end;
        return;
    }
    content.extents.push_back({id, end});
}

void VolumeAssembly::add_chunk(const content::ShortId& id, std::uint64_t length) {
    if (id.is_hole()) {
        corrupt("a chunk without a name");
    }
    extend(id, length);
}

void VolumeAssembly::add_hole(std::uint64_t length) {
    extend({}, length);
}

void VolumeAssembly::add_inline(std::string bytes) {
    repository::FileContent& content = current().content;
    if (bytes.empty() || bytes.size() > inline_limit_bytes_ || end_of(content) != 0) {
        corrupt("inline content of an impossible length");
    }
    record_.bytes_sent += bytes.size();
    content.inline_bytes = std::move(bytes);
}

void VolumeAssembly::end_file(const volume::FileEnd& end) {
    Item& item = current();
    item.is_waiting = false;
    // The continuation of another file may follow in the same message only with its own start.
    waiting_.erase(item.number);
    current_ = nullptr;
    // A further name of the file may still be there; then its content is lost, not deleted.
    if (end.is_gone && item.entry.link_count <= 1) {
        item.is_gone = true;
        return;
    }
    if (!end.unreadable.empty()) {
        item.problem = end.unreadable;
        item.entry.content_unreadable = true;
        item.content = {};
        return;
    }
    if (end_of(item.content) != end.size) {
        corrupt("a file whose parts do not make up its size");
    }
    item.entry.size = end.size;
    if (end.mtime_ns != 0 || end.ctime_ns != 0) {
        item.entry.mtime_ns = end.mtime_ns;
        item.entry.ctime_ns = end.ctime_ns;
    }
    item.entry.is_racy = item.entry.is_racy || end.is_racy;
    item.entry.changed_while_read = end.changed_while_read;
}

std::uint64_t VolumeAssembly::drain() {
    while (!items_.empty() && !items_.front().is_waiting) {
        finish(items_.front());
        items_.pop_front();
    }
    return batches_done_;
}

void VolumeAssembly::finish(Item& item) {
    switch (item.kind) {
        case Kind::BatchEnd:
            ++batches_done_;
            break;
        case Kind::End:
            builder_.end_directory();
            path_.resize(path_lengths_.back());
            path_lengths_.pop_back();
            is_root_done_ = path_lengths_.empty();
            break;
        case Kind::Begin:
            if (!item.problem.empty()) {
                add_unreadable(path_of(item.entry.name), item.problem);
            }
            builder_.begin_directory(item.entry);
            path_lengths_.push_back(path_.size());
            if (path_lengths_.size() == 1) {
                root_ = std::move(item.entry);
            } else {
                path_ = path_of(item.entry.name);
            }
            break;
        case Kind::File:
            finish_file(item);
            break;
    }
}

void VolumeAssembly::take_from_group(Item& item) {
    const auto found = groups_.find(*item.same_as);
    if (found == groups_.end()) {
        corrupt("a further name of a file that has none");
    }
    SharedContent& shared = found->second;
    item.content = shared.content;
    item.problem = shared.problem;
    item.entry.size = shared.entry.size;
    item.entry.mtime_ns = shared.entry.mtime_ns;
    item.entry.ctime_ns = shared.entry.ctime_ns;
    item.entry.is_racy = shared.entry.is_racy;
    item.entry.changed_while_read = shared.entry.changed_while_read;
    item.entry.content_unreadable = shared.entry.content_unreadable;
    if (--shared.names_left == 0) {
        groups_.erase(found);
    }
}

void VolumeAssembly::finish_file(Item& item) {
    if (item.same_as) {
        take_from_group(item);
    } else if (item.entry.has_link_group && item.entry.link_count > 1 &&
               item.entry.type == model::FileType::Regular) {
        if (groups_.size() >= kMostLinkGroups) {
            corrupt("too many files with several names");
        }
        groups_.emplace(
            item.number,
            SharedContent{item.entry, item.problem, item.content, item.entry.link_count - 1});
    }
    const std::string path = path_of(item.entry.name);
    if (!item.problem.empty()) {
        add_unreadable(path, item.problem);
    }
    if (item.entry.changed_while_read || item.is_gone) {
        ++record_.files_changed;
        if (record_.changed.size() < kListedPaths) {
            record_.changed.push_back(printable(path) +
                                      (item.is_gone ? ": deleted meanwhile" : ""));
        }
    }
    if (progress_ != nullptr) {
        progress_->advance(1, item.entry.size);
    }
    if (item.is_gone) {
        return;
    }
    if (path_lengths_.empty()) {
        root_ = std::move(item.entry);
        root_content_ = std::move(item.content);
        is_root_done_ = true;
        return;
    }
    builder_.add(item.entry, item.content);
}

}  // namespace backup::capture
