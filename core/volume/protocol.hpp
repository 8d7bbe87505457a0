// SPDX-License-Identifier: Apache-2.0
// What the messages between client and mover mean: docs/mover.md section 3. Encoding and decoding
// only; every decode treats its bytes as hostile and throws CorruptData.
#pragma once

#include "core/base/error.hpp"
#include "core/content/chunker.hpp"
#include "core/content/frame_group.hpp"
#include "core/model/file_entry.hpp"
#include "core/volume/channel.hpp"
#include "core/volume/write_task.hpp"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace backup::volume {

enum class MessageType : std::uint8_t {
    ReadTask = 1,    // client: send this volume
    WriteTask = 2,   // client: take a tree
    Entries = 10,    // mover: a batch of the tree, depth-first
    Wanted = 11,     // client: which regular files of a batch must be read
    Released = 12,   // client: how many batches are done with
    Content = 13,    // mover: what the files consist of
    Missing = 14,    // client: which chunks of a Content message are not known yet
    Frames = 15,     // mover: the chunks asked for
    Complete = 16,   // client: everything was received
    Finished = 17,   // mover: totals
    ReadLimit = 18,  // client: bytes a second from now on
    Items = 20,      // client: a batch of the tree to write, with content
    WriteDone = 21,  // mover: totals and what could not be done
    Failure = 30,    // either: gives up, and why
};

inline constexpr std::size_t kEntriesPerBatch = 512;
inline constexpr std::size_t kEntryBatchBytes = 64U << 10U;
/// Batches of entries sent and not yet released.
inline constexpr std::size_t kEntryBatchWindow = 192;
inline constexpr std::size_t kLongestPath = 64U << 10U;
inline constexpr std::size_t kDeepestDirectory = 4096;

/// All a mover must know to read a volume. The keys stay in its memory.
struct ReadTask {
    content::SecretKey chunk_id_key{};
    content::SecretKey chunker_key{};
    content::ChunkerParameters chunker;
    std::uint32_t frame_bytes = 128U << 10U;
    std::uint32_t inline_limit_bytes = 512;
    std::uint32_t compression_level = 1;
    std::uint32_t readers = 2;
    std::uint32_t packers = 2;
    /// How far the mover may run ahead of the client's answers: batches of entries, and plain bytes
    /// of chunks. What is little for a client beside it is a standstill for one that is far away.
    std::uint32_t batches_ahead = 21;
    std::uint32_t window_bytes = 18U << 20U;
    std::uint64_t read_limit = 0;  // bytes a second, until a ReadLimit comes; 0: none
    bool verify_frames = true;
    bool crosses_file_systems = false;
    bool is_block_device = false;
    std::string path;                  // directory, or block device
    std::vector<std::string> include;  // globs over paths below the root; empty: everything
    std::vector<std::string> exclude;
};

struct EntryItem {
    model::FileEntry entry;
    /// Regular files: number of the entry that is the same file under its first name.
    std::optional<std::uint64_t> same_as;
    std::string problem;  // why the content of a directory is missing or incomplete
};

struct DirectoryEnd {};

/// Something that has no entry. `is_loss`: it belongs to the volume and is missing from the backup.
/// `is_file_system`: another one is mounted there and was not gone into; whether it belongs to the
/// volume the mover cannot know.
struct WalkProblem {
    std::string path;
    std::string message;
    bool is_loss = true;
    bool is_file_system = false;
};

using WalkItem = std::variant<EntryItem, DirectoryEnd, WalkProblem>;

/// Entries are numbered from 0 over all batches; problems and ends have no number.
Message encode_entries(const std::vector<WalkItem>& items);
std::vector<WalkItem> decode_entries(const Message& message);

/// Positions of the wanted files among the entries of batch `batch`.
struct Wanted {
    std::uint64_t batch = 0;
    std::vector<std::uint16_t> positions;
};

Message encode_wanted(const Wanted& wanted);
Wanted decode_wanted(const Message& message);

struct FileStart {
    std::uint64_t number = 0;  // of the entry
};

struct ChunkItem {
    content::ChunkId id;
    std::uint32_t length = 0;
};

struct HoleItem {
    std::uint64_t length = 0;
};

struct InlineItem {
    std::string bytes;
};

/// Ends a file. Size and times are those of the moment it was opened for reading.
struct FileEnd {
    std::uint64_t size = 0;
    std::int64_t mtime_ns = 0;
    std::int64_t ctime_ns = 0;
    bool changed_while_read = false;
    bool is_racy = false;
    bool is_gone = false;    // it was deleted before it could be opened; `unreadable` says so too
    std::string unreadable;  // the reason; the content is missing then
};

using ContentItem = std::variant<FileStart, ChunkItem, HoleItem, InlineItem, FileEnd>;

struct ContentBatch {
    std::uint64_t number = 0;
    std::vector<ContentItem> items;
};

Message encode_content(const ContentBatch& batch);
ContentBatch decode_content(const Message& message);

/// One answer for each chunk of Content message `batch`, in order: true = send it.
struct Missing {
    std::uint64_t batch = 0;
    std::vector<bool> send;
};

Message encode_missing(const Missing& missing);
Missing decode_missing(const Message& message);

Message encode_frames(content::FrameGroup group);
content::FrameGroup decode_frames(Message message);

struct ReadTotals {
    std::uint64_t used_bytes = 0;  // statfs of the root
    std::uint64_t used_inodes = 0;
    std::uint64_t bytes_read = 0;
    std::uint64_t not_included = 0;  // entries, no directories, that no include glob matched
};

Message encode_finished(const ReadTotals& totals);
ReadTotals decode_finished(const Message& message);

Message encode_read_task(const ReadTask& task);
ReadTask decode_read_task(const Message& message);

Message encode_write_task(const WriteTask& task);
WriteTask decode_write_task(const Message& message);

/// What an Items message is made of.
enum class ItemKind : std::uint8_t {
    BeginDirectory = 1,
    EndDirectory = 2,
    BeginFile = 3,
    Data = 4,
    Hole = 5,
    EndFile = 6,
    AbandonFile = 7,
    Node = 8,
    Link = 9,
};

Message encode_write_done(const SinkResult& result);
SinkResult decode_write_done(const Message& message);

Message encode_number(MessageType type, std::uint64_t number);
std::uint64_t decode_number(const Message& message);

Message encode_failure(const Error& error);
/// Throws the peer's error: its code by name (MoverFailed when it is not known here) and text.
[[noreturn]] void throw_failure(const Message& message);

inline MessageType type_of(const Message& message) {
    return static_cast<MessageType>(message.type);
}

[[noreturn]] void throw_unexpected(const Message& message);  // CorruptData naming the type

/// The attributes of one entry, used by all messages that carry entries.
void encode_entry(ByteWriter& out, const model::FileEntry& entry);
model::FileEntry decode_entry(ByteReader& in, bool may_be_root);

}  // namespace backup::volume
