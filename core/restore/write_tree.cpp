// SPDX-License-Identifier: Apache-2.0
#include "core/restore/write_tree.hpp"

#include "core/base/error.hpp"
#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/restore/file_crew.hpp"
#include "core/view/volume_files.hpp"
#include "core/volume/directory_sink.hpp"

#include <algorithm>
#include <utility>

namespace backup::restore {

namespace {

// What is kept of a large directory at a time; a listing that goes on has to find its place again.
constexpr std::size_t kFirstWindow = 256;
constexpr std::size_t kWindow = 4096;
// Of the first directory; each one below keeps less.
constexpr std::uint64_t kWindowBytes = 16U << 20U;
// Paths of files whose other names are still to come.
constexpr std::uint64_t kMostLinkBytes = std::uint64_t{1} << 30U;

}  // namespace

std::string TreeWriter::path_of(std::string_view name) const {
    return path_.empty() ? std::string(name) : concat(path_, "/", name);
}

void TreeWriter::share_files(volume::DirectorySink& sink, FileCrew& crew) {
    directory_sink_ = &sink;
    crew_ = &crew;
}

void TreeWriter::enter(const view::NodePointer& directory, model::FileEntry entry) {
    if (const auto failure = failure_of([&] { trail_.enter(*directory); })) {
        if (levels_.empty()) {
            throw *failure;
        }
        lacking_.add_problem(printable(path_of(entry.name)), failure->message());
        return;
    }
    Level level;
    if (!levels_.empty()) {
        path_ += path_.empty() ? "" : "/";
        path_ += entry.name;
    }
    level.directory = view::lean_directory(directory);
    level.path_bytes = path_.size();
    levels_.push_back(std::move(level));
    if (entry.content_unreadable) {
        lacking_.add_problem(path_.empty() ? "." : printable(path_),
                             "not all of it could be read when the backup was made");
    }
    sink_.begin_directory(entry);
}

volume::SinkResult TreeWriter::finish() {
    if (crew_ != nullptr) {
        crew_->finish();
    }
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
        if (!level.is_at_end && fill_window(level)) {
            continue;
        }
        if (level.directory != nullptr) {
            trail_.leave();
        }
        levels_.pop_back();
        path_.resize(levels_.empty() ? 0 : levels_.back().path_bytes);
        sink_.end_directory();
    }
}

/// What cannot be listed is lost with all that is below; what lies beside it is not.
bool TreeWriter::fill_window(Level& level) {
    level.window.clear();
    level.next = 0;
    level.is_at_end = true;
    const std::size_t size = level.following == 0 ? kFirstWindow : kWindow;
    const std::uint64_t most_bytes = kWindowBytes / levels_.size();
    std::uint64_t bytes = 0;
    const auto take = [&](std::string_view name, const view::NodePointer& node) {
        bytes += name.size() + node->held_bytes();
        level.is_at_end =
            level.window.empty() || (level.window.size() < size && bytes <= most_bytes);
        if (level.is_at_end) {
            level.window.emplace_back(std::string(name), node);
        }
        return level.is_at_end;
    };
    const auto failure = failure_of([&] { level.directory->list(level.following, take); });
    if (failure && !(levels_.size() > 1 && concerns_one_file(*failure))) {
        throw *failure;
    }
    if (failure) {
        lacking_.add_problem(printable(path_), failure->what());
    }
    level.following += level.window.size();
    level.is_at_end = level.is_at_end || failure;
    return !level.window.empty();
}

void TreeWriter::write_node(const view::NodePointer& node, const std::string& name) {
    with_context([&] { return printable(path_of(name)); }, [&] { trail_.pass_entry(); });
    model::FileEntry entry = attributes_of(*node);
    entry.name = name;
    if (entry.type == model::FileType::Directory) {
        enter(node, std::move(entry));
        return;
    }
    if (entry.type == model::FileType::Regular && has_content_) {
        with_context([&] { return printable(path_of(name)); },
                     [&] { trail_.pass_content(*node, entry.size); });
    }
    if (hand_over(node, entry)) {
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

/// A file with several names is written here: its links come after it.
bool TreeWriter::hand_over(const view::NodePointer& node, const model::FileEntry& entry) {
    if (crew_ == nullptr || entry.type != model::FileType::Regular || entry.has_link_group ||
        entry.content_unreadable || !has_content_) {
        return false;
    }
    if (auto directory = directory_sink_->current_directory()) {
        crew_->write(std::move(directory), node, entry);
    }
    return true;
}

void TreeWriter::keep_first_name(const LinkKey& key, const model::FileEntry& entry) {
    FirstName first{path_of(entry.name), entry.link_count - 1};
    if (link_bytes_ + cost_of(first) > kMostLinkBytes) {
        lacking_.add_problem(printable(first.path),
                             "too many files have several names: those of this one become files"
                             " of their own");
        return;
    }
    link_bytes_ += cost_of(first);
    links_.emplace(key, std::move(first));
}

bool TreeWriter::write_as_link(view::Node& node, const model::FileEntry& entry) {
    if (!entry.has_link_group || entry.content_unreadable) {
        return false;
    }
    const LinkKey key(node.inode(), entry.inode);
    const auto found = links_.find(key);
    if (found == links_.end()) {
        keep_first_name(key, entry);
        return false;
    }
    sink_.add_link(entry, found->second.path);
    if (--found->second.names_left == 0) {
        link_bytes_ -= cost_of(found->second);
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
    reading_.is_ahead = view::is_long(entry.size);
    if (!has_content_) {
        sink_.skip(entry.size);
    } else if (const auto reason = copy_content(node, entry, sink_, reading_, stop_)) {
        sink_.abandon_file(*reason);
        return;
    }
    sink_.end_file();
}

}  // namespace backup::restore
