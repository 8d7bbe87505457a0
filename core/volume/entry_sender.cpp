// SPDX-License-Identifier: Apache-2.0
#include "core/volume/entry_sender.hpp"

#include "core/base/error.hpp"

namespace backup::volume {

namespace {

/// With more groups than this the other names of further ones are read like files of their own.
constexpr std::size_t kMostLinkGroups = 1U << 20U;

std::size_t weight_of(const EntryItem& item) {
    std::size_t bytes = 128 + item.entry.name.size() + item.entry.link_target.size();
    for (const model::Xattr& xattr : item.entry.xattrs) {
        bytes += 16 + xattr.name.size() + xattr.value.size();
    }
    return bytes;
}

}  // namespace

void EntrySender::make_room() {
    if (items_.size() >= kEntriesPerBatch || bytes_ >= kEntryBatchBytes) {
        flush();
    }
}

void EntrySender::flush() {
    if (items_.empty()) {
        return;
    }
    if (!window_.take(1, stop_)) {
        throw Error(ErrorCode::Interrupted, "interrupted");
    }
    announced_.lock()->emplace(next_batch_++, std::exchange(files_, {}));
    channel_.send(encode_entries(items_), stop_);
    items_.clear();
    bytes_ = 0;
    entries_ = 0;
}

void EntrySender::add(EntryItem item) {
    bytes_ += weight_of(item);
    items_.emplace_back(std::move(item));
    ++entries_;
    ++next_number_;
}

void EntrySender::begin_directory(model::FileEntry entry, std::string problem) {
    make_room();
    add(EntryItem{std::move(entry), std::nullopt, std::move(problem)});
}

void EntrySender::end_directory() {
    make_room();
    items_.emplace_back(DirectoryEnd{});
}

void EntrySender::problem(std::string path, std::string message, bool is_loss) {
    make_room();
    bytes_ += path.size() + message.size();
    items_.emplace_back(WalkProblem{std::move(path), std::move(message), is_loss});
}

void EntrySender::file_system_left_out(std::string path) {
    make_room();
    constexpr std::string_view kMessage =
        "another file system is mounted here; what is in it is left out";
    bytes_ += path.size() + kMessage.size();
    items_.emplace_back(WalkProblem{std::move(path), std::string(kMessage), false, true});
}

void EntrySender::file(model::FileEntry entry, std::string_view directory) {
    make_room();
    EntryItem item{std::move(entry), std::nullopt, {}};
    if (item.entry.type == model::FileType::Regular) {
        item.same_as = first_name_of(item.entry);
        if (!item.same_as) {
            announce(item.entry, directory);
        }
    }
    add(std::move(item));
}

std::optional<std::uint64_t> EntrySender::first_name_of(const model::FileEntry& entry) {
    if (!entry.has_link_group) {
        return std::nullopt;
    }
    const auto found = links_.find(entry.inode);
    if (found == links_.end()) {
        if (links_.size() < kMostLinkGroups) {
            links_.emplace(entry.inode, LinkGroup{next_number_, entry.link_count - 1});
        }
        return std::nullopt;
    }
    const std::uint64_t first = found->second.first;
    if (--found->second.names_left == 0) {
        links_.erase(found);
    }
    return first;
}

void EntrySender::announce(const model::FileEntry& entry, std::string_view directory) {
    if (!directory_ || *directory_ != directory) {
        directory_ = std::make_shared<const std::string>(directory);
    }
    files_.push_back({entries_, FileToRead{next_number_, directory_, entry.name, entry.size}});
}

std::vector<FileToRead> EntrySender::take_wanted(const Wanted& wanted) {
    std::vector<Announced> announced;
    {
        auto batches = announced_.lock();
        const auto found = batches->find(wanted.batch);
        if (found == batches->end()) {
            throw Error(ErrorCode::CorruptData, "answer to entries that were not sent");
        }
        announced = std::move(found->second);
        batches->erase(found);
    }
    std::vector<FileToRead> files;
    files.reserve(wanted.positions.size());
    auto next = announced.begin();
    for (const std::uint16_t position : wanted.positions) {
        while (next != announced.end() && next->position < position) {
            ++next;
        }
        if (next == announced.end() || next->position != position) {
            throw Error(ErrorCode::CorruptData, "a file was asked for that was not announced");
        }
        files.push_back(std::move(next->file));
        ++next;
    }
    return files;
}

void EntrySender::release(std::uint64_t batches) {
    if (batches < released_ || batches - released_ > kEntryBatchWindow) {
        throw Error(ErrorCode::CorruptData, "more entries were released than sent");
    }
    window_.give_back(batches - released_);
    released_ = batches;
}

}  // namespace backup::volume
