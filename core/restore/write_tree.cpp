// SPDX-License-Identifier: Apache-2.0
#include "core/restore/write_tree.hpp"

#include "core/base/error.hpp"
#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/view/volume_files.hpp"

#include <algorithm>
#include <utility>

namespace backup::restore {

namespace {

constexpr std::size_t kWindow = 256;
constexpr std::size_t kPiece = 1U << 20U;

/// The repository lost or damaged this one piece of content: the other files can still be had.
bool concerns_one_file(const Error& error) {
    return error.code() == ErrorCode::CorruptData || error.code() == ErrorCode::NotFound ||
           error.code() == ErrorCode::Io;
}

}  // namespace

model::FileEntry attributes_of(view::Node& node) {
    const auto* file = dynamic_cast<const view::VolumeFile*>(&node);
    return file != nullptr ? file->entry().attributes : node.info().attributes;
}

std::string TreeWriter::path_of(std::string_view name) const {
    return path_.empty() ? std::string(name) : concat(path_, "/", name);
}

void TreeWriter::enter(const view::NodePointer& directory, model::FileEntry entry) {
    Level level;
    if (!levels_.empty()) {
        path_ = path_of(entry.name);
    }
    level.directory = directory;
    level.path_bytes = path_.size();
    levels_.push_back(std::move(level));
    if (entry.content_unreadable) {
        lacking_.add_problem(path_.empty() ? "." : printable(path_),
                             "not all of it could be read when the backup was made");
    }
    sink_.begin_directory(entry);
}

volume::SinkResult TreeWriter::finish() {
    volume::SinkResult result = sink_.finish();
    const std::uint64_t count = result.problem_count + lacking_.problem_count;
    for (Problem& problem : std::exchange(lacking_, {}).problems) {
        result.add_problem(std::move(problem.subject), std::move(problem.message));
    }
    result.problem_count = count;
    return result;
}

void TreeWriter::write_root(const view::NodePointer& directory) {
    if (!directory->is_directory()) {
        throw Error(ErrorCode::InvalidArgument, "it is not a directory");
    }
    model::FileEntry entry = attributes_of(*directory);
    entry.name.clear();
    enter(directory, std::move(entry));
    descend();
}

void TreeWriter::write_alone(const view::NodePointer& node, const std::string& name) {
    model::FileEntry root;
    root.type = model::FileType::Directory;
    root.mode = 0755;
    Level level;
    level.is_at_end = true;
    level.window.emplace_back(name, node);
    levels_.push_back(std::move(level));
    sink_.begin_directory(root);
    descend();
}

void TreeWriter::descend() {
    while (!levels_.empty()) {
        throw_if_stopped(stop_);
        Level& level = levels_.back();
        if (level.next < level.window.size()) {
            const auto [name, node] = std::move(level.window[level.next++]);
            write_node(node, name);
            continue;
        }
        if (!level.is_at_end) {
            level.window.clear();
            level.next = 0;
            level.directory->list(level.following,
                                  [&](std::string_view name, const view::NodePointer& node) {
                                      level.window.emplace_back(std::string(name), node);
                                      return level.window.size() < kWindow;
                                  });
            level.following += level.window.size();
            level.is_at_end = level.window.size() < kWindow;
            continue;
        }
        levels_.pop_back();
        path_.resize(levels_.empty() ? 0 : levels_.back().path_bytes);
        sink_.end_directory();
    }
}

void TreeWriter::write_node(const view::NodePointer& node, const std::string& name) {
    model::FileEntry entry = attributes_of(*node);
    entry.name = name;
    if (entry.type == model::FileType::Directory) {
        enter(node, std::move(entry));
        return;
    }
    if (!write_as_link(*node, entry)) {
        if (entry.type == model::FileType::Regular) {
            write_file(*node, entry);
        } else {
            sink_.add(entry);
        }
    }
    if (progress_ != nullptr) {
        progress_->advance(1, entry.size);
    }
}

bool TreeWriter::write_as_link(view::Node& node, const model::FileEntry& entry) {
    if (!entry.has_link_group || entry.content_unreadable) {
        return false;
    }
    const std::pair key(node.inode(), entry.inode);
    const auto found = links_.find(key);
    if (found == links_.end()) {
        links_.emplace(key, FirstName{path_of(entry.name), entry.link_count - 1});
        return false;
    }
    sink_.add_link(entry, found->second.path);
    if (--found->second.names_left == 0) {
        links_.erase(found);
    }
    return true;
}

void TreeWriter::write_file(view::Node& node, const model::FileEntry& entry) {
    sink_.begin_file(entry);
    if (entry.content_unreadable) {
        sink_.abandon_file("its content could not be read when the backup was made");
        return;
    }
    if (!has_content_) {
        sink_.skip(entry.size);
    }
    std::uint64_t at = has_content_ ? 0 : entry.size;
    while (at < entry.size) {
        std::optional<std::uint64_t> data;
        std::uint64_t end = 0;
        const auto failure = failure_of([&] {
            data = node.seek_data(at);
            end = data ? std::min(node.seek_hole(*data), entry.size) : entry.size;
        });
        if (failure) {
            sink_.abandon_file(failure->what());
            return;
        }
        const std::uint64_t begin = std::min(data.value_or(entry.size), entry.size);
        if (begin > at) {
            sink_.skip(begin - at);
        }
        if (begin < end && !write_extent(node, begin, end)) {
            return;
        }
        at = end;
    }
    sink_.end_file();
}

/// False: the file was abandoned.
bool TreeWriter::write_extent(view::Node& node, std::uint64_t begin, std::uint64_t end) {
    buffer_.resize(kPiece);
    while (begin < end) {
        throw_if_stopped(stop_);
        const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, end - begin));
        std::size_t count = 0;
        const auto failure =
            failure_of([&] { count = node.read(begin, std::span(buffer_).first(want)); });
        if (failure && !concerns_one_file(*failure)) {
            throw *failure;
        }
        if (failure || count != want) {
            sink_.abandon_file(failure ? failure->what() : "its content is shorter than its size");
            return false;
        }
        sink_.write(ByteView(buffer_).first(want));
        begin += want;
    }
    return true;
}

}  // namespace backup::restore
