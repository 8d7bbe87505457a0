// SPDX-License-Identifier: Apache-2.0
#include "core/capture/capture_volume.hpp"

#include "core/base/error.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/capture/previous_tree.hpp"
#include "core/capture/received_groups.hpp"
#include "core/capture/volume_assembly.hpp"
#include "core/volume/protocol.hpp"
#include "core/volume/serve_mover.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <unordered_set>
#include <utility>

namespace backup::capture {

namespace {

using volume::MessageType;

volume::ReadTask task_for(const VolumeCapture& options) {
    volume::ReadTask task;
    const auto& parameters = options.repository.parameters();
    task.chunk_id_key = options.repository.keys().chunk_id;
    task.chunker_key = options.repository.keys().chunker;
    task.chunker = parameters.chunker;
    task.frame_bytes = parameters.frame_bytes;
    task.inline_limit_bytes = parameters.inline_limit_bytes;
    task.compression_level = static_cast<std::uint32_t>(std::max(1, options.compression_level));
    // Who decodes and proves everything here needs no proof from there.
    task.verify_frames = !options.verifies_received && options.writer.verifies_writes();
    if (options.verifies_received) {
        // The answers come from another machine: enough for 0.1 s at 0.6 GB/s.
        task.batches_ahead = 160;
        task.window_bytes = 64U << 20U;
    }
    task.crosses_file_systems = options.source.crosses_file_systems;
    task.is_block_device = options.source.is_block_device;
    task.path = options.source.path;
    task.include = options.source.include;
    task.exclude = options.source.exclude;
    return task;
}

/// What went wrong at the other side is no trouble of this one: its broken disk or the end of its
/// pod is the end of that volume only.
[[noreturn]] void throw_mover_failure(const volume::Message& message) {
    const auto failure = failure_of([&message] { volume::throw_failure(message); });
    switch (failure->code()) {
        case ErrorCode::Interrupted:
        case ErrorCode::NoSpace:
        case ErrorCode::ReadOnly:
        case ErrorCode::Io:
        case ErrorCode::Internal:
            throw Error(ErrorCode::MoverFailed, failure->message());
        default:
            throw Error(*failure);
    }
}

class VolumeClient {
  public:
    VolumeClient(volume::Channel& channel, const VolumeCapture& options)
        : channel_(channel),
          options_(options),
          builder_(options.writer),
          previous_(options.previous && options.previous->tree != nullptr
                        ? PreviousTree(*options.previous->tree, options.previous->entry)
                        : PreviousTree()),
          assembly_(builder_,
                    result_.record,
                    options.progress,
                    options.repository.parameters().inline_limit_bytes),
          groups_(options.writer, options.repository.keys().chunk_id, options.verifies_received) {
        if (options.read_rate != nullptr && options.read_rate->is_limited()) {
            share_.emplace(*options.read_rate);
        }
    }

    /// As a task of `tasks`, which gets further ones.
    void run(TaskGroup& tasks, const std::stop_token& stop);
    CapturedVolume take_result();

  private:
    volume::ReadTask task() const;
    std::optional<volume::Message> receive(const std::stop_token& stop);
    void finish(const std::stop_token& stop);
    void keep_rate(const std::stop_token& stop);
    void begin_reading(const std::stop_token& stop);
    std::uint64_t send_read_limit(const std::stop_token& stop);
    void end_reading();
    void handle(volume::Message message, const std::stop_token& stop);
    void take_entries(const volume::Message& message, const std::stop_token& stop);
    bool take_entry(volume::EntryItem item);
    bool take_regular_file(volume::EntryItem item);
    void take_problem(volume::WalkProblem problem);
    std::optional<repository::FileContent> unchanged_content(const model::FileEntry& entry);
    void take_content(const volume::Message& message, const std::stop_token& stop);
    bool lacks(const content::ShortId& id);
    void take_frames(volume::Message message, const std::stop_token& stop);
    void release(const std::stop_token& stop);
    void take_totals(const std::stop_token& stop);

    volume::Channel& channel_;
    const VolumeCapture& options_;
    CapturedVolume result_;
    repository::TreeBuilder builder_;
    PreviousTree previous_;
    VolumeAssembly assembly_;
    ReceivedGroups groups_;
    std::optional<ReadRate::Share> share_;  // none: no limit
    std::mutex sends_limit_;
    /// Chunks that were asked for and have not come.
    std::unordered_set<content::ShortId> awaited_;
    bool has_begun_ = false;  // to ask for content
    bool has_ended_ = false;  // all of it has come
    std::uint64_t next_number_ = 0;
    std::uint64_t next_batch_ = 0;
    std::uint64_t released_ = 0;
    std::uint64_t notes_ = 0;
    std::uint64_t not_included_ = 0;
};

void VolumeClient::run(TaskGroup& tasks, const std::stop_token& stop) {
    groups_.start(tasks);
    if (share_ && options_.source.is_block_device) {
        share_->begin();  // it asks nobody what it is to read
    }
    channel_.send(encode_read_task(task()), stop);
    if (auto* const watch = options_.stall_watch) {
        tasks.start([this, watch](const std::stop_token& token) { watch->run(channel_, token); });
    }
    if (share_) {
        tasks.start([this](const std::stop_token& token) { keep_rate(token); });
    }
    while (!assembly_.is_complete() || !awaited_.empty()) {
        auto message = receive(stop);
        if (!message) {
            throw Error(ErrorCode::MoverFailed, "the mover ended before the volume was complete");
        }
        handle(std::move(*message), stop);
    }
    groups_.close();
    end_reading();
    channel_.send(volume::encode_number(MessageType::Complete, next_number_), stop);
    take_totals(stop);
    finish(stop);
}

std::optional<volume::Message> VolumeClient::receive(const std::stop_token& stop) {
    const StallWatch::Waiting waiting(options_.stall_watch);
    return channel_.receive(stop);
}

void VolumeClient::finish(const std::stop_token& stop) {
    {
        const StallWatch::Waiting waiting(options_.stall_watch);
        channel_.finish(stop);
    }
    if (options_.stall_watch != nullptr) {
        options_.stall_watch->close();
    }
}

volume::ReadTask VolumeClient::task() const {
    auto task = task_for(options_);
    task.read_limit = share_ ? share_->part() : 0;
    return task;
}

/// Tells the mover when its part has changed, also while it has nothing to say.
void VolumeClient::keep_rate(const std::stop_token& stop) {
    std::uint64_t known = 0;
    while (share_->wait_for_change(known, stop)) {
        // What breaks the channel is told to whoever sends or receives next.
        if (failure_of([&] { known = send_read_limit(stop); })) {
            return;
        }
    }
}

/// What the mover is allowed must have reached it before what it is asked for.
void VolumeClient::begin_reading(const std::stop_token& stop) {
    if (share_ && !std::exchange(has_begun_, true)) {
        share_->begin();
        send_read_limit(stop);
    }
}

/// By two threads: the last one sent must be the newest, and none comes behind Complete.
std::uint64_t VolumeClient::send_read_limit(const std::stop_token& stop) {
    const std::scoped_lock lock(sends_limit_);
    const auto part = share_->part();
    if (!has_ended_) {
        channel_.send(volume::encode_number(MessageType::ReadLimit, part), stop);
    }
    return part;
}

void VolumeClient::end_reading() {
    if (share_) {
        const std::scoped_lock lock(sends_limit_);
        has_ended_ = true;
        share_->end();
    }
}

void VolumeClient::handle(volume::Message message, const std::stop_token& stop) {
    switch (type_of(message)) {
        case MessageType::Entries:
            take_entries(message, stop);
            break;
        case MessageType::Content:
            take_content(message, stop);
            break;
        case MessageType::Frames:
            take_frames(std::move(message), stop);
            break;
        case MessageType::Failure:
            throw_mover_failure(message);
        default:
            volume::throw_unexpected(message);
    }
}

void VolumeClient::take_entries(const volume::Message& message, const std::stop_token& stop) {
    if (next_batch_ - released_ >= volume::kEntryBatchWindow) {
        throw Error(ErrorCode::CorruptData, "the mover sends more entries than it may");
    }
    volume::Wanted wanted;
    wanted.batch = next_batch_++;
    std::uint16_t position = 0;
    for (volume::WalkItem& item : decode_entries(message)) {
        if (auto* entry = std::get_if<volume::EntryItem>(&item)) {
            if (take_entry(std::move(*entry))) {
                wanted.positions.push_back(position);
            }
            ++position;
        } else if (auto* problem = std::get_if<volume::WalkProblem>(&item)) {
            take_problem(std::move(*problem));
        } else {
            assembly_.end_directory();
            previous_.leave();
        }
    }
    assembly_.end_batch();
    if (!wanted.positions.empty()) {
        begin_reading(stop);
    }
    channel_.send(encode_wanted(wanted), stop);
    release(stop);
}

void VolumeClient::take_problem(volume::WalkProblem problem) {
    if (problem.is_loss) {
        assembly_.add_unreadable(std::move(problem.path), problem.message);
        return;
    }
    const auto& others = options_.source.other_volumes;
    if (problem.is_file_system &&
        std::find(others.begin(), others.end(), problem.path) == others.end()) {
        ++result_.record.file_systems_left_out;
    } else if (problem.is_file_system) {
        problem.message = "another volume is mounted here";
    }
    constexpr std::uint64_t kToldNotes = 10;
    if (++notes_ <= kToldNotes) {
        std::string& text = result_.record.message;
        text += concat(
            text.empty() ? "" : "; ", printable(problem.path), ": ", printable(problem.message));
    }
}

/// True when the mover must read the file.
bool VolumeClient::take_entry(volume::EntryItem item) {
    const std::uint64_t number = next_number_++;
    if (item.entry.type == model::FileType::Directory) {
        previous_.enter(item.entry.name);
        assembly_.begin_directory(std::move(item));
        return false;
    }
    if (item.entry.type != model::FileType::Regular) {
        assembly_.add(std::move(item), {});
    } else if (item.same_as) {
        assembly_.add_link(std::move(item));
    } else {
        const bool is_wanted = take_regular_file(std::move(item));
        assembly_.number_last(number);
        return is_wanted;
    }
    return false;
}

bool VolumeClient::take_regular_file(volume::EntryItem item) {
    const std::uint64_t number = next_number_ - 1;
    if (item.entry.size == 0 && !options_.source.is_block_device) {
        assembly_.add(std::move(item), {});
        return false;
    }
    if (auto content = unchanged_content(item.entry)) {
        ++result_.record.files_unchanged;
        assembly_.add(std::move(item), std::move(*content));
        return false;
    }
    assembly_.add_waiting(std::move(item), number);
    return true;
}

/// What the previous point has of this file, when it is certain that it is still the same and all
/// of it is still in the repository.
std::optional<repository::FileContent> VolumeClient::unchanged_content(
    const model::FileEntry& entry) {
    if (options_.source.is_block_device) {
        return std::nullopt;
    }
    const auto* before = previous_.find(entry.name);
    if (before == nullptr || !is_unchanged(before->attributes, entry)) {
        return std::nullopt;
    }
    auto content = previous_.content_of(*before);
    if (!content) {
        return std::nullopt;
    }
    for (const repository::Extent& extent : content->extents) {
        const bool is_there = extent.chunk.is_hole() || (!awaited_.contains(extent.chunk) &&
                                                         options_.writer.is_known(extent.chunk));
        if (!is_there) {
            return std::nullopt;
        }
    }
    return content;
}

void VolumeClient::take_content(const volume::Message& message, const std::stop_token& stop) {
    volume::ContentBatch batch = decode_content(message);
    volume::Missing missing;
    missing.batch = batch.number;
    for (volume::ContentItem& item : batch.items) {
        if (const auto* start = std::get_if<volume::FileStart>(&item)) {
            assembly_.begin_file(start->number);
        } else if (const auto* chunk = std::get_if<volume::ChunkItem>(&item)) {
            assembly_.add_chunk(chunk->id.short_id(), chunk->length);
            missing.send.push_back(lacks(chunk->id.short_id()));
        } else if (const auto* hole = std::get_if<volume::HoleItem>(&item)) {
            assembly_.add_hole(hole->length);
        } else if (auto* small = std::get_if<volume::InlineItem>(&item)) {
            assembly_.add_inline(std::move(small->bytes));
        } else {
            assembly_.end_file(std::get<volume::FileEnd>(item));
        }
    }
    if (!missing.send.empty()) {
        channel_.send(encode_missing(missing), stop);
    }
    release(stop);
}

/// Writer::claim is not used: what a failed mover claimed would be missing when it is tried again.
bool VolumeClient::lacks(const content::ShortId& id) {
    if (awaited_.contains(id) || options_.writer.is_known(id)) {
        return false;
    }
    awaited_.insert(id);
    return true;
}

void VolumeClient::take_frames(volume::Message message, const std::stop_token& stop) {
    content::FrameGroup group = volume::decode_frames(std::move(message));
    for (const content::PlacedChunk& chunk : group.chunks) {
        if (chunk.kind != content::ChunkKind::Data || awaited_.erase(chunk.id.short_id()) == 0) {
            throw Error(ErrorCode::CorruptData, "the mover sent a chunk nobody asked for");
        }
    }
    result_.record.bytes_sent += group.stored_bytes();
    groups_.add(std::move(group), stop);
}

void VolumeClient::release(const std::stop_token& stop) {
    const std::uint64_t done = assembly_.drain();
    // Not for each single batch: an answer for every few is enough to keep the walk going.
    constexpr std::uint64_t kStep = 4;
    if (done >= released_ + kStep) {
        released_ = done;
        channel_.send(volume::encode_number(MessageType::Released, done), stop);
    }
}

void VolumeClient::take_totals(const std::stop_token& stop) {
    const auto message = receive(stop);
    if (!message) {
        throw Error(ErrorCode::MoverFailed, "the mover ended without its totals");
    }
    if (type_of(*message) == MessageType::Failure) {
        throw_mover_failure(*message);
    }
    if (type_of(*message) != MessageType::Finished) {
        volume::throw_unexpected(*message);
    }
    const volume::ReadTotals totals = decode_finished(*message);
    result_.record.used_bytes = totals.used_bytes;
    result_.record.used_inodes = totals.used_inodes;
    result_.record.bytes_read = totals.bytes_read;
    not_included_ = totals.not_included;
}

CapturedVolume VolumeClient::take_result() {
    model::VolumeRecord& record = result_.record;
    result_.root = assembly_.root();
    if (result_.root.type == model::FileType::Directory) {
        result_.tree = builder_.finish();
        record.files = result_.tree.files;
        record.directories = result_.tree.directories;
        record.bytes = result_.tree.bytes;
    } else {
        result_.content = assembly_.root_content();
        record.files = 1;
        record.bytes = result_.root.size;
    }
    if (notes_ > 0) {
        record.message += concat(" (", notes_, " left out)");
    }
    if (record.files == 0 && not_included_ > 0) {
        // A mistake in a glob must not look like an empty volume that is well.
        record.reason = model::SkipReason::NoData;
        record.message += concat(record.message.empty() ? "" : "; ",
                                 "the globs of what to include match none of its ",
                                 not_included_,
                                 " files");
    }
    return std::move(result_);
}

}  // namespace

CapturedVolume capture_volume(volume::Channel& channel,
                              const VolumeCapture& options,
                              std::stop_token stop) {
    const auto begin = options.clock.steady_now();
    VolumeClient client(channel, options);
    TaskGroup tasks(std::move(stop));
    tasks.start([&](const std::stop_token& token) {
        const auto failure = failure_of([&] { client.run(tasks, token); });
        if (failure) {
            failure_of([&] { channel.send(volume::encode_failure(*failure), token); });
            throw *failure;
        }
    });
    tasks.wait();
    CapturedVolume result = client.take_result();
    const auto duration = options.clock.steady_now() - begin;
    result.record.duration_ms = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
    return result;
}

CapturedVolume capture_directory(const VolumeCapture& options, std::stop_token stop) {
    auto channels = volume::make_local_channels();
    TaskGroup tasks(std::move(stop));
    std::optional<CapturedVolume> result;
    tasks.start([&](const std::stop_token& token) {
        volume::serve_mover(*channels.mover, options.clock, token);
    });
    // Each side tells the other why it fails, so whichever error comes out of wait() says it.
    tasks.start([&](const std::stop_token& token) {
        result = capture_volume(*channels.client, options, token);
    });
    tasks.wait();
    return std::move(*result);
}

void add_volume(repository::TreeBuilder& builder,
                const std::string& name,
                const CapturedVolume& volume) {
    model::FileEntry entry = volume.root;
    entry.name = name;
    if (entry.type == model::FileType::Directory) {
        builder.add_tree(entry, volume.tree);
    } else {
        builder.add(entry, volume.content);
    }
}

}  // namespace backup::capture
