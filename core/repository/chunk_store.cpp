// SPDX-License-Identifier: Apache-2.0
#include "core/repository/chunk_store.hpp"

#include "core/base/patience.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/chunk_index.hpp"
#include "core/repository/frame_reader.hpp"

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

namespace backup::repository {

namespace {

/// A chunk that is looked for.
struct Wanted {
    content::ShortId id;
    std::optional<std::uint64_t> bytes = {};  // its length; empty: any
    std::vector<IndexRecord> misnamed = {};   // places that turned out to hold other bytes
};

}  // namespace

struct ChunkStore::State {
    using ReadPart =
        std::function<void(const IndexRecord& record, std::uint64_t offset, std::uint64_t size)>;
    /// Proves the name of the bytes of a whole chunk that a pack of this kind has.
    using CheckName = std::function<void(BlobKind pack)>;

    State(const Repository& used, ChunkStoreOptions options)
        : repository(used),
          index(repository, {options.index_cache_bytes, std::move(options.on_damaged_index)}),
          frames(repository,
                 {options.frame_cache_bytes, options.prefetch_threads},
                 [this](std::uint32_t number) { return index.pack(number); }) {}

    template <typename Result>
    Result look_up(const std::function<Result()>& look);
    std::vector<IndexRecord> locate(const content::ShortId& id);
    ChunkLocation location_of(const IndexRecord& record) const;
    bool is_missing(const IndexRecord& record) const;
    Error missing(const content::ShortId& id) const;
    /// Throws CorruptData when `bytes`, all of the chunk, have another name.
    void check_name(const content::ShortId& id, BlobKind pack, ByteView bytes) const;
    std::vector<IndexRecord> usable_places(const Wanted& wanted);
    /// What to throw when there is none.
    Error unusable(const Wanted& wanted);
    Bytes read_whole(Wanted wanted,
                     const std::function<void(BlobKind pack, ByteView bytes)>& check);
    /// Notes a place that is refused.
    void check_place(Wanted& wanted, const IndexRecord& record, const CheckName& check);
    /// Tries each place until `read` succeeds with one; throws what the last one threw, or what may
    /// pass.
    void read_any(const Wanted& wanted, const std::function<void(const IndexRecord& record)>& read);
    bool may_have_whole_parts(const Wanted& wanted, const Error& error);
    /// As read_any; where that fails, from each place as much as it has: copies may be damaged in
    /// different frames.
    void read_parts(const Wanted& wanted,
                    std::uint64_t offset,
                    std::uint64_t size,
                    const ReadPart& read);
    /// As read_parts; when that is the whole chunk, `name` is asked for the name of its bytes.
    void read_proved(const ChunkPiece& piece,
                     std::uint64_t size,
                     const ReadPart& read,
                     const std::function<content::ChunkId()>& name);
    /// Into `out`, which begins at `offset` of the chunk.
    ReadPart read_into(std::span<std::byte> out, std::uint64_t offset);
    std::optional<Error> try_places(const std::vector<IndexRecord>& places,
                                    const std::function<void(const IndexRecord& record)>& read);

    const Repository& repository;
    ChunkIndex index;
    // Last: its threads ask for packs.
    FrameReader frames;
};

// As large as a page of memory: less is not worth another read.
constexpr std::uint64_t kSmallestPart = 4096;

// Each one more means that a whole prune or compaction ended between two reads.
constexpr int kMostRefreshes = 16;

Error misnamed() {
    return {ErrorCode::CorruptData, "it holds other bytes than its name says"};
}

/// A segment that was removed while it was in use: others say the same by now.
template <typename Result>
Result ChunkStore::State::look_up(const std::function<Result()>& look) {
    for (int refreshes = 0;; ++refreshes) {
        Result result;
        const auto failure = failure_of([&] { result = look(); });
        if (!failure) {
            return result;
        }
        if (failure->code() != ErrorCode::NotFound || refreshes == kMostRefreshes) {
            throw Error(*failure);
        }
        index.refresh();
    }
}

std::vector<IndexRecord> ChunkStore::State::locate(const content::ShortId& id) {
    return look_up<std::vector<IndexRecord>>([&] { return index.find_all(id); });
}

ChunkLocation ChunkStore::State::location_of(const IndexRecord& record) const {
    return {index.pack(record.pack).name, record.first_frame, record.offset, record.length};
}

bool ChunkStore::State::is_missing(const IndexRecord& record) const {
    return !repository.backend().exists(pack_name(index.pack(record.pack).name));
}

Error ChunkStore::State::missing(const content::ShortId& id) const {
    const auto unread = index.unread_segments();
    return {ErrorCode::CorruptData,
            unread == 0 ? concat("chunk ", id.hex(), " is in no index")
                        : concat("chunk ",
                                 id.hex(),
                                 " is in no index segment that can be read (",
                                 unread,
                                 " cannot)")};
}

void ChunkStore::State::check_name(const content::ShortId& id,
                                   BlobKind pack,
                                   ByteView bytes) const {
    using content::ChunkKind;
    // Who asks knows no kind: the likeliest first.
    std::array kinds{ChunkKind::Page, ChunkKind::ExtentPage, ChunkKind::Metadata, ChunkKind::Data};
    if (pack == BlobKind::DataPack) {
        std::reverse(kinds.begin(), kinds.end());
    }
    content::ChunkHasher hasher(repository.keys().chunk_id);
    const auto is_of_kind = [&](ChunkKind kind) { return hasher(kind, bytes).short_id() == id; };
    if (std::none_of(kinds.begin(), kinds.end(), is_of_kind)) {
        throw misnamed();
    }
}

std::vector<IndexRecord> ChunkStore::State::usable_places(const Wanted& wanted) {
    auto places = locate(wanted.id);
    std::erase_if(places, [&](const IndexRecord& place) {
        return place.length != wanted.bytes.value_or(place.length) ||
               std::ranges::count(wanted.misnamed, place) != 0;
    });
    return places;
}

Error ChunkStore::State::unusable(const Wanted& wanted) {
    const auto places = locate(wanted.id);
    if (places.empty()) {
        return missing(wanted.id);
    }
    if (!wanted.misnamed.empty()) {
        auto error = misnamed();
        error.add_context(concat("chunk ", wanted.id.hex()));
        return error;
    }
    return {ErrorCode::CorruptData,
            concat("chunk ",
                   wanted.id.hex(),
                   " has ",
                   places.front().length,
                   " bytes, not ",
                   wanted.bytes.value_or(0))};
}

void ChunkStore::State::check_place(Wanted& wanted,
                                    const IndexRecord& record,
                                    const CheckName& check) {
    const auto pack = index.pack(record.pack);
    if (auto failure = failure_of([&] { check(pack.kind); })) {
        wanted.misnamed.push_back(record);
        failure->add_context(pack_name(pack.name));
        throw Error(*failure);
    }
}

Bytes ChunkStore::State::read_whole(
    Wanted wanted, const std::function<void(BlobKind pack, ByteView bytes)>& check) {
    Bytes bytes;
    const auto failure = failure_of([&] {
        read_any(wanted, [&](const IndexRecord& record) {
            bytes.resize(record.length);
            frames.read(record, 0, bytes);
            check_place(wanted, record, [&](BlobKind pack) { check(pack, bytes); });
        });
    });
    if (failure && !may_have_whole_parts(wanted, *failure)) {
        throw Error(*failure);
    }
    if (failure) {
        wanted.bytes = usable_places(wanted).front().length;
        bytes.resize(*wanted.bytes);
        read_parts(wanted, 0, bytes.size(), read_into(bytes, 0));
        with_context([&] { return concat("chunk ", wanted.id.hex()); },
                     [&] { check(BlobKind::DataPack, bytes); });
    }
    return bytes;
}

std::optional<Error> ChunkStore::State::try_places(
    const std::vector<IndexRecord>& places, const std::function<void(const IndexRecord&)>& read) {
    std::optional<Error> failure;
    for (auto place = places.rbegin(); place != places.rend(); ++place) {
        // A damaged copy does no harm as long as there is another.
        const auto damage = failure_of([&] { read(*place); });
        if (!damage) {
            return std::nullopt;
        }
        if (!failure || failure->code() == ErrorCode::CorruptData) {
            failure = damage;
        }
    }
    return failure;
}

void ChunkStore::State::read_any(const Wanted& wanted,
                                 const std::function<void(const IndexRecord&)>& read) {
    auto places = usable_places(wanted);
    if (places.empty()) {
        throw unusable(wanted);
    }
    auto failure = try_places(places, read);
    auto tried = places;
    const auto is_gone = [this](const IndexRecord& record) { return is_missing(record); };
    const auto was_tried = [&tried](const IndexRecord& record) {
        return std::find(tried.begin(), tried.end(), record) != tried.end();
    };
    for (int refreshes = 0; failure && refreshes < kMostRefreshes; ++refreshes) {
        need_patience();
        if (std::none_of(places.begin(), places.end(), is_gone)) {
            break;
        }
        // A collection may have moved the chunk to another pack.
        index.refresh();
        places = usable_places(wanted);
        std::erase_if(places, was_tried);
        if (places.empty()) {
            break;
        }
        failure = try_places(places, read);
        tried.insert(tried.end(), places.begin(), places.end());
    }
    if (failure) {
        failure->add_context(concat("chunk ", wanted.id.hex()));
        throw Error(*failure);
    }
}

bool ChunkStore::State::may_have_whole_parts(const Wanted& wanted, const Error& error) {
    return (error.code() == ErrorCode::Io || error.code() == ErrorCode::CorruptData) &&
           usable_places(wanted).size() > 1;
}

void ChunkStore::State::read_parts(const Wanted& wanted,
                                   std::uint64_t offset,
                                   std::uint64_t size,
                                   const ReadPart& read) {
    const auto failure = failure_of(
        [&] { read_any(wanted, [&](const IndexRecord& record) { read(record, offset, size); }); });
    if (!failure) {
        return;
    }
    if (size <= kSmallestPart || !may_have_whole_parts(wanted, *failure)) {
        throw Error(*failure);
    }
    read_parts(wanted, offset, size / 2, read);
    read_parts(wanted, offset + size / 2, size - size / 2, read);
}

void ChunkStore::State::read_proved(const ChunkPiece& piece,
                                    std::uint64_t size,
                                    const ReadPart& read,
                                    const std::function<content::ChunkId()>& name) {
    Wanted wanted{piece.chunk, piece.chunk_bytes};
    bool is_proved = false;
    const auto prove = [&](BlobKind) {
        if (name().short_id() != piece.chunk) {
            throw misnamed();
        }
        is_proved = true;
    };
    read_parts(wanted,
               piece.offset,
               size,
               [&](const IndexRecord& record, std::uint64_t at, std::uint64_t part) {
                   read(record, at, part);
                   if (part == piece.chunk_bytes) {
                       check_place(wanted, record, prove);
                   }
               });
    if (size == piece.chunk_bytes && !is_proved) {
        with_context([&] { return concat("chunk ", piece.chunk.hex()); },
                     [&] { prove(BlobKind::DataPack); });
    }
}

ChunkStore::State::ReadPart ChunkStore::State::read_into(std::span<std::byte> out,
                                                         std::uint64_t offset) {
    return [this, out, offset](const IndexRecord& record, std::uint64_t at, std::uint64_t size) {
        frames.read(record, at, out.subspan(at - offset, size));
    };
}

unsigned usual_prefetch_threads() {
    // One alone would wait for the storage; more would only wait for each other's memory.
    return std::clamp(std::thread::hardware_concurrency(), 2U, 4U);
}

ChunkStore::ChunkStore(const Repository& repository, ChunkStoreOptions options)
    : state_(std::make_unique<State>(repository, std::move(options))) {
    state_->index.refresh();
}

ChunkStore::~ChunkStore() = default;

std::optional<ChunkLocation> ChunkStore::find(const content::ShortId& id) const {
    const auto record =
        state_->look_up<std::optional<IndexRecord>>([&] { return state_->index.find(id); });
    return record ? std::optional(state_->location_of(*record)) : std::nullopt;
}

std::vector<ChunkLocation> ChunkStore::find_all(const content::ShortId& id) const {
    std::vector<ChunkLocation> found;
    for (const auto& record : state_->locate(id)) {
        found.push_back(state_->location_of(record));
    }
    return found;
}

std::vector<IndexedPack> ChunkStore::list_packs() const {
    return state_->index.list_packs();
}

std::uint64_t ChunkStore::chunk_count() const {
    return state_->index.chunk_count();
}

bool ChunkStore::is_superseded(const content::Digest& name) const {
    return state_->index.is_superseded(name);
}

std::vector<std::shared_ptr<const IndexReader>> ChunkStore::list_segments() const {
    return state_->index.list_segments();
}

Bytes ChunkStore::read(const content::ShortId& id) {
    return state_->read_whole(
        {id}, [&](BlobKind pack, ByteView bytes) { state_->check_name(id, pack, bytes); });
}

Bytes ChunkStore::read(const content::ChunkId& id, content::ChunkKind kind, std::uint64_t bytes) {
    content::ChunkHasher hasher(state_->repository.keys().chunk_id);
    return state_->read_whole({id.short_id(), bytes}, [&](BlobKind, ByteView plain) {
        if (hasher(kind, plain) != id) {
            throw misnamed();
        }
    });
}

void ChunkStore::read_range(const ChunkPiece& piece, std::span<std::byte> out) {
    state_->read_proved(piece, out.size(), state_->read_into(out, piece.offset), [&] {
        content::ChunkHasher hasher(state_->repository.keys().chunk_id);
        return hasher(content::ChunkKind::Data, ByteView(out));
    });
}

void ChunkStore::collect(const ChunkPiece& piece, std::uint64_t size, ByteChain& out) {
    const auto first = out.size();
    const auto read = [&](const IndexRecord& record, std::uint64_t at, std::uint64_t part) {
        if (at == piece.offset) {
            out.resize(first);  // drops what a copy of another name gave
        }
        const auto before = out.size();
        const auto failure = failure_of([&] { state_->frames.collect(record, at, part, out); });
        if (failure) {
            out.resize(before);
            throw Error(*failure);
        }
    };
    state_->read_proved(piece, size, read, [&] {
        content::ChunkHasher hasher(state_->repository.keys().chunk_id);
        return hasher(content::ChunkKind::Data, std::span(out).subspan(first));
    });
}

bool ChunkStore::refresh() {
    return state_->index.refresh();
}

void ChunkStore::add_segment(const content::Digest& name) {
    state_->index.add(name);
}

ChunkStoreCounters ChunkStore::counters() const {
    const auto frames = state_->frames.counters();
    return {frames.decoded, frames.cache_hits, frames.bytes_fetched};
}

void ChunkStore::close_idle() {
    state_->frames.close_idle();
}

}  // namespace backup::repository
