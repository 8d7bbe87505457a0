// SPDX-License-Identifier: Apache-2.0
#include "core/repository/chunk_store.hpp"

#include "core/base/synchronized.hpp"
#include "core/base/text.hpp"
#include "core/repository/blob_access.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/chunk_index.hpp"
#include "core/repository/frame_cache.hpp"
#include "core/repository/pack_reader.hpp"

#include <algorithm>
#include <atomic>
#include <set>
#include <shared_mutex>
#include <unordered_map>

namespace backup::repository {

namespace {

// Reads longer than this are made in pieces.
constexpr std::uint64_t kFetchBytes = 1U << 20U;
constexpr std::size_t kMostOpenPacks = 1024;

ChunkLocation to_location(const IndexRecord& record, const IndexedPack& pack) {
    return {pack.name, record.first_frame, record.offset, record.length};
}

/// What a thread needs while it decodes; returned to the pool afterwards.
struct Worker {
    explicit Worker(const SecretKey& chunk_id_key) : hasher(chunk_id_key) {}

    DecodeState decode;
    content::ChunkHasher hasher;
};

}  // namespace

struct ChunkStore::State {
    using OpenPack = std::shared_ptr<const PackReader>;

    class Lease;

    State(const Repository& used, ChunkStoreOptions given)
        : repository(used),
          options(std::move(given)),
          frames(options.frame_cache_bytes) {}

    bool load_new_segments();
    std::optional<IndexSegment> load_segment(const std::string& name,
                                             const content::Digest& digest) const;
    std::vector<IndexRecord> locate(const content::ShortId& id) const;
    OpenPack open_pack(std::uint32_t number);
    FrameCache::Frame get_frame(const PackReader& pack, std::uint32_t number, std::uint32_t frame);
    void read(const IndexRecord& record, std::uint64_t offset, std::span<std::byte> out);
    void read_any(const content::ShortId& id,
                  std::vector<IndexRecord> places,
                  std::uint64_t offset,
                  std::span<std::byte> out);
    bool try_read(const IndexRecord& record, std::uint64_t offset, std::span<std::byte> out);
    /// How many whole frames from `first` on `out` takes, at most kFetchBytes stored.
    static std::uint32_t count_whole_frames(const PackReader& pack,
                                            std::uint32_t first,
                                            std::size_t out_bytes);

    const Repository& repository;
    ChunkStoreOptions options;
    FrameCache frames;
    Synchronized<std::set<std::string>> loaded_segments;  // and their loading
    mutable std::shared_mutex index_mutex;
    ChunkIndex index;
    Synchronized<std::unordered_map<std::uint32_t, OpenPack>> open_packs;
    Synchronized<std::vector<std::unique_ptr<Worker>>> idle_workers;
    std::atomic<std::uint64_t> frames_decoded{0};
    std::atomic<std::uint64_t> frame_cache_hits{0};
    std::atomic<std::uint64_t> bytes_fetched{0};
};

class ChunkStore::State::Lease {
  public:
    explicit Lease(State& state) : state_(state) {
        auto idle = state_.idle_workers.lock();
        if (!idle->empty()) {
            worker_ = std::move(idle->back());
            idle->pop_back();
            return;
        }
        worker_ = std::make_unique<Worker>(state_.repository.keys().chunk_id);
    }

    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    ~Lease() { state_.idle_workers.lock()->push_back(std::move(worker_)); }

    Worker* operator->() const { return worker_.get(); }

  private:
    State& state_;
    std::unique_ptr<Worker> worker_;
};

bool ChunkStore::State::load_new_segments() {
    auto loaded = loaded_segments.lock();
    std::vector<IndexSegment> segments;
    std::vector<std::string> names;
    repository.backend().list(kIndexFolder, [&](const backend::BlobInfo& info) {
        if (!loaded->contains(info.name)) {
            names.push_back(info.name);
        }
    });
    std::sort(names.begin(), names.end());
    std::set<content::Digest> replaced;
    std::vector<content::Digest> digests;
    for (const auto& name : names) {
        const auto digest = find_index_digest(name);
        auto segment = digest ? load_segment(name, *digest) : std::nullopt;
        if (segment) {
            replaced.insert(segment->replaced.begin(), segment->replaced.end());
            segments.push_back(std::move(*segment));
            digests.push_back(*digest);
        }
    }
    const std::unique_lock lock(index_mutex);
    for (std::size_t i = 0; i < segments.size(); ++i) {
        if (!replaced.contains(digests[i])) {
            index.add(std::move(segments[i]));
        }
    }
    loaded->insert(names.begin(), names.end());
    return !segments.empty();
}

std::optional<IndexSegment> ChunkStore::State::load_segment(const std::string& name,
                                                            const content::Digest& digest) const {
    const auto load = [&] {
        const auto blob =
            get_named_blob(repository.backend(), name, digest, format::kLargestIndexSegment);
        return decode_index(repository, blob, name);
    };
    if (!options.on_damaged_index) {
        return load();
    }
    try {
        return load();
    } catch (const Error& error) {
        options.on_damaged_index(name, error);
        return std::nullopt;
    }
}

std::vector<IndexRecord> ChunkStore::State::locate(const content::ShortId& id) const {
    const std::shared_lock lock(index_mutex);
    return index.find_all(id);
}

ChunkStore::State::OpenPack ChunkStore::State::open_pack(std::uint32_t number) {
    {
        auto open = open_packs.lock();
        if (const auto place = open->find(number); place != open->end()) {
            return place->second;
        }
    }
    const auto indexed = [&] {
        const std::shared_lock lock(index_mutex);
        return index.pack(number);
    }();
    auto pack = std::make_shared<const PackReader>(repository, indexed);
    bytes_fetched += format::kHeaderBytes + indexed.frame_table_bytes + format::kPackTrailerBytes;
    auto open = open_packs.lock();
    if (open->size() >= kMostOpenPacks) {
        open->erase(open->begin());
    }
    open->insert_or_assign(number, pack);
    return pack;
}

FrameCache::Frame ChunkStore::State::get_frame(const PackReader& pack,
                                               std::uint32_t number,
                                               std::uint32_t frame) {
    if (auto cached = frames.find(number, frame)) {
        ++frame_cache_hits;
        return cached;
    }
    auto plain = std::make_shared<Bytes>(pack.frame(frame).plain_bytes);
    const Lease worker(*this);
    bytes_fetched += pack.read(frame, 1, *plain, worker->decode);
    ++frames_decoded;
    frames.insert(number, frame, plain);
    return plain;
}

std::uint32_t ChunkStore::State::count_whole_frames(const PackReader& pack,
                                                    std::uint32_t first,
                                                    std::size_t out_bytes) {
    std::uint32_t count = 0;
    std::uint64_t stored = 0;
    while (first + count < pack.frame_count()) {
        const auto plain = pack.frame(first + count).plain_bytes;
        stored += pack.stored_bytes(first + count);
        if (plain > out_bytes || (count > 0 && stored > kFetchBytes)) {
            break;
        }
        out_bytes -= plain;
        ++count;
    }
    return count;
}

void ChunkStore::State::read(const IndexRecord& record,
                             std::uint64_t offset,
                             std::span<std::byte> out) {
    if (offset > record.length || out.size() > record.length - offset) {
        throw Error(ErrorCode::CorruptData, concat("it has only ", record.length, " bytes"));
    }
    if (out.empty()) {
        return;
    }
    const auto pack = open_pack(record.pack);
    auto frame = record.first_frame;
    auto at = record.offset + offset;
    while (at >= pack->frame(frame).plain_bytes) {
        at -= pack->frame(frame).plain_bytes;
        ++frame;
    }
    while (!out.empty()) {
        const auto whole = at == 0 ? count_whole_frames(*pack, frame, out.size()) : 0;
        std::size_t done = 0;
        if (whole > 0) {
            for (std::uint32_t i = 0; i < whole; ++i) {
                done += pack->frame(frame + i).plain_bytes;
            }
            const Lease worker(*this);
            bytes_fetched += pack->read(frame, whole, out.first(done), worker->decode);
            frames_decoded += whole;
            frame += whole;
        } else {
            const auto plain = get_frame(*pack, record.pack, frame);
            done = std::min<std::size_t>(plain->size() - at, out.size());
            std::copy_n(plain->data() + at, done, out.data());
            at = 0;
            ++frame;
        }
        out = out.subspan(done);
    }
}

bool ChunkStore::State::try_read(const IndexRecord& record,
                                 std::uint64_t offset,
                                 std::span<std::byte> out) {
    try {
        read(record, offset, out);
        return true;
    } catch (const Error&) {
        return false;
    }
}

void ChunkStore::State::read_any(const content::ShortId& id,
                                 std::vector<IndexRecord> places,
                                 std::uint64_t offset,
                                 std::span<std::byte> out) {
    if (places.empty()) {
        throw Error(ErrorCode::CorruptData, concat("chunk ", id.hex(), " is in no index"));
    }
    while (places.size() > 1) {
        if (try_read(places.back(), offset, out)) {
            return;
        }
        places.pop_back();
    }
    with_context([&] { return concat("chunk ", id.hex()); },
                 [&] { read(places.front(), offset, out); });
}

ChunkStore::ChunkStore(const Repository& repository, ChunkStoreOptions options)
    : state_(std::make_unique<State>(repository, std::move(options))) {
    state_->load_new_segments();
}

ChunkStore::~ChunkStore() = default;

std::optional<ChunkLocation> ChunkStore::find(const content::ShortId& id) const {
    const std::shared_lock lock(state_->index_mutex);
    const auto* record = state_->index.find(id);
    if (record == nullptr) {
        return std::nullopt;
    }
    return to_location(*record, state_->index.pack(record->pack));
}

std::vector<ChunkLocation> ChunkStore::find_all(const content::ShortId& id) const {
    const std::shared_lock lock(state_->index_mutex);
    std::vector<ChunkLocation> found;
    for (const auto& record : state_->index.find_all(id)) {
        found.push_back(to_location(record, state_->index.pack(record.pack)));
    }
    return found;
}

std::vector<IndexedPack> ChunkStore::list_packs() const {
    const std::shared_lock lock(state_->index_mutex);
    return state_->index.packs();
}

std::uint64_t ChunkStore::chunk_count() const {
    const std::shared_lock lock(state_->index_mutex);
    return state_->index.chunk_count();
}

Bytes ChunkStore::read(const content::ShortId& id) {
    auto places = state_->locate(id);
    Bytes bytes(places.empty() ? 0 : places.front().length);
    state_->read_any(id, std::move(places), 0, bytes);
    return bytes;
}

void ChunkStore::read_range(const content::ShortId& id,
                            std::uint64_t offset,
                            std::span<std::byte> out) {
    state_->read_any(id, state_->locate(id), offset, out);
}

void ChunkStore::verify(const content::ChunkId& id, content::ChunkKind kind) {
    const auto bytes = read(id.short_id());
    const State::Lease worker(*state_);
    if (worker->hasher(kind, bytes) != id) {
        throw Error(ErrorCode::CorruptData,
                    concat("chunk ", id.hex(), " holds other bytes than its name says"));
    }
}

bool ChunkStore::refresh() {
    return state_->load_new_segments();
}

ChunkStoreCounters ChunkStore::counters() const {
    return {state_->frames_decoded, state_->frame_cache_hits, state_->bytes_fetched};
}

}  // namespace backup::repository
