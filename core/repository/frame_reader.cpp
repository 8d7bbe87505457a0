// SPDX-License-Identifier: Apache-2.0
#include "core/repository/frame_reader.hpp"

#include "core/base/error.hpp"
#include "core/base/patience.hpp"
#include "core/base/queue.hpp"
#include "core/base/synchronized.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/repository/chunk_places.hpp"
#include "core/repository/frame_buffers.hpp"
#include "core/repository/frame_cache.hpp"
#include "core/repository/frame_flights.hpp"
#include "core/repository/pack_reader.hpp"
#include "core/repository/read_ahead.hpp"

#include <algorithm>
#include <atomic>
#include <unordered_map>

namespace backup::repository {

namespace {

// Reads longer than this are made in pieces.
constexpr std::uint64_t kFetchBytes = 1U << 20U;
// Each keeps a file open while it is read.
constexpr std::size_t kMostOpenPacks = 256;
// With those of the chunk in use, less than the smallest cache (12 MiB) holds: what was decoded
// ahead must still be there when it is asked for.
constexpr std::uint32_t kFramesAhead = 48;
// What a helper decodes at once: readers wait for the first of them.
constexpr std::uint32_t kFramesInPiece = 8;
constexpr std::size_t kMostPiecesAhead = 16;

using Frame = FrameCache::Frame;

/// A frame of a pack, and a place in its plain bytes.
struct Place {
    std::uint32_t frame = 0;
    std::uint64_t at = 0;
};

Place find_place(const PackReader& pack, Place from, std::uint64_t distance) {
    from.at += distance;
    while (from.at >= pack.frame(from.frame).plain_bytes) {
        from.at -= pack.frame(from.frame).plain_bytes;
        ++from.frame;
    }
    return from;
}

void check_range(const IndexRecord& chunk, std::uint64_t offset, std::uint64_t size) {
    if (offset > chunk.length || size > chunk.length - offset) {
        throw Error(ErrorCode::CorruptData, concat("it has only ", chunk.length, " bytes"));
    }
}

/// How many whole frames from `first` on `out_bytes` take, at most kFetchBytes stored.
std::uint32_t count_whole_frames(const PackReader& pack,
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

struct OpenedPack : PackReader {
    using PackReader::PackReader;

    void check_place(const IndexRecord& chunk) const {
        if (places && !places->contains(chunk)) {
            throw Error(ErrorCode::CorruptData,
                        concat(name(), " has no chunk ", chunk.id.hex(), " where the index says"));
        }
    }

    /// Nothing: they cannot be read, which is no harm to the frames.
    std::optional<ChunkPlaces> places;
};

/// A sector that cannot be read, or the end of a pack that was cut: others may be whole.
bool may_be_of_one_frame(const Error& error) {
    return error.code() == ErrorCode::Io || error.code() == ErrorCode::CorruptData;
}

}  // namespace

struct FrameReader::State {
    using OpenPack = std::shared_ptr<const OpenedPack>;

    class Lease;

    State(const Repository& used, FrameReaderOptions given, FindPack find)
        : repository(used),
          options(given),
          find_pack(std::move(find)),
          cache(given.cache_bytes) {}

    ~State() {
        // Those who wait for pieces must not wait for ever.
        pieces.close();
    }

    OpenPack open_pack(std::uint32_t number);
    Frame get(const PackReader& pack, std::uint32_t number, std::uint32_t frame);
    ByteView fetch(const PackReader& pack,
                   std::uint32_t first,
                   std::uint32_t count,
                   DecodeState& decoder);
    /// Decodes frames that were taken from `flights`; empty where one is damaged, which `problem`
    /// tells then.
    std::vector<Frame> decode(const PackReader& pack,
                              const FrameRange& taken,
                              std::optional<Error>& problem);
    /// Up to `most` frames nobody has or decodes, as many as are worth one read.
    std::uint32_t take(const PackReader& pack,
                       std::uint32_t number,
                       std::uint32_t first,
                       std::uint32_t most);
    void note(std::uint32_t number,
              const PackReader& pack,
              std::uint32_t first,
              std::uint32_t last);
    void decode_ahead(const FrameRange& range);
    void start_helpers();
    void help(const std::stop_token& stop);

    const Repository& repository;
    const FrameReaderOptions options;
    const FindPack find_pack;
    FrameCache cache;
    FrameFlights flights;
    std::shared_ptr<FrameBuffers> buffers = std::make_shared<FrameBuffers>();
    Synchronized<std::unordered_map<std::uint32_t, OpenPack>> open_packs;
    Synchronized<std::vector<std::unique_ptr<DecodeState>>> idle_decoders;
    Synchronized<ReadAhead> read_ahead{ReadAhead(kFramesAhead)};
    std::atomic<std::uint64_t> decoded{0};
    std::atomic<std::uint64_t> ahead{0};
    std::atomic<std::uint64_t> cache_hits{0};
    std::atomic<std::uint64_t> bytes_fetched{0};
    std::once_flag helpers_started;
    BoundedQueue<FrameRange> pieces{kMostPiecesAhead};
    std::atomic<std::size_t> waiting_pieces{0};
    bool has_helpers = false;  // set once, by start_helpers()
    // Last: its threads use all of the above.
    TaskGroup helpers;
};

class FrameReader::State::Lease {
  public:
    explicit Lease(State& state) : state_(state) {
        auto idle = state_.idle_decoders.lock();
        if (!idle->empty()) {
            decoder_ = std::move(idle->back());
            idle->pop_back();
            return;
        }
        decoder_ = std::make_unique<DecodeState>();
    }

    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    ~Lease() { state_.idle_decoders.lock()->push_back(std::move(decoder_)); }

    DecodeState& operator*() const { return *decoder_; }

  private:
    State& state_;
    std::unique_ptr<DecodeState> decoder_;
};

FrameReader::State::OpenPack FrameReader::State::open_pack(std::uint32_t number) {
    {
        auto open = open_packs.lock();
        if (const auto place = open->find(number); place != open->end()) {
            return place->second;
        }
    }
    need_patience();
    const auto indexed = find_pack(number);
    auto pack = std::make_shared<OpenedPack>(repository, indexed);
    bytes_fetched += format::kHeaderBytes + indexed.frame_table_bytes + format::kPackTrailerBytes;
    const auto failure = failure_of([&] {
        const auto chunks = pack->read_chunk_table();
        bytes_fetched += chunks.size() * format::kChunkTableEntryBytes + format::kTagBytes;
        pack->places.emplace(chunks);
    });
    if (failure && !may_be_of_one_frame(*failure)) {
        throw Error(*failure);
    }
    auto open = open_packs.lock();
    if (open->size() >= kMostOpenPacks) {
        open->erase(open->begin());
    }
    open->insert_or_assign(number, pack);
    return pack;
}

ByteView FrameReader::State::fetch(const PackReader& pack,
                                   std::uint32_t first,
                                   std::uint32_t count,
                                   DecodeState& decoder) {
    const auto stored = pack.fetch(first, count, decoder);
    bytes_fetched += stored.size();
    return stored;
}

std::vector<Frame> FrameReader::State::decode(const PackReader& pack,
                                              const FrameRange& taken,
                                              std::optional<Error>& problem) {
    Landing landing(flights, taken.pack, taken.first, taken.count);
    std::vector<Frame> frames(taken.count);
    const Lease decoder(*this);
    // Nothing: they are fetched one by one.
    ByteView together;
    problem = failure_of([&] { together = fetch(pack, taken.first, taken.count, *decoder); });
    if (problem && (taken.count == 1 || !may_be_of_one_frame(*problem))) {
        return frames;
    }
    problem.reset();
    for (std::uint32_t i = 0; i < taken.count; ++i) {
        const auto number = taken.first + i;
        ByteView stored;
        if (!together.empty()) {
            stored = together.first(pack.stored_bytes(number));
            together = together.subspan(stored.size());
        }
        // One that is damaged must not take its neighbours with it.
        auto damage = failure_of([&] {
            if (stored.empty()) {
                stored = fetch(pack, number, 1, *decoder);
            }
            auto plain = buffers->take(pack.frame(number).plain_bytes);
            pack.decode(number, stored, *plain, *decoder);
            cache.insert(taken.pack, number, plain);
            frames[i] = std::move(plain);
            ++decoded;
        });
        if (damage && !problem) {
            problem = std::move(damage);
        }
        landing.land_next();
    }
    return frames;
}

std::uint32_t FrameReader::State::take(const PackReader& pack,
                                       std::uint32_t number,
                                       std::uint32_t first,
                                       std::uint32_t most) {
    std::uint64_t plain = 0;
    return flights.take(number, first, most, [&](std::uint32_t frame) {
        plain += pack.frame(frame).plain_bytes;
        return (frame != first && plain > kFetchBytes) || cache.find(number, frame) != nullptr;
    });
}

Frame FrameReader::State::get(const PackReader& pack, std::uint32_t number, std::uint32_t frame) {
    for (;;) {
        if (auto cached = cache.find(number, frame)) {
            ++cache_hits;
            return cached;
        }
        need_patience();
        if (take(pack, number, frame, 1) == 0) {
            flights.wait(number, frame);
            continue;
        }
        std::optional<Error> problem;
        auto frames = decode(pack, {number, frame, 1}, problem);
        if (problem) {
            throw std::move(*problem);
        }
        return std::move(frames.front());
    }
}

void FrameReader::State::note(std::uint32_t number,
                              const PackReader& pack,
                              std::uint32_t first,
                              std::uint32_t last) {
    if (options.prefetch_threads == 0) {
        return;
    }
    const auto range = read_ahead.lock()->note(number, first, last, pack.frame_count());
    if (!range) {
        return;
    }
    start_helpers();
    if (!has_helpers) {
        return;
    }
    for (std::uint32_t done = 0; done < range->count; done += kFramesInPiece) {
        // More than the helpers manage would only be late.
        if (waiting_pieces.load() >= kMostPiecesAhead) {
            return;
        }
        ++waiting_pieces;
        pieces.push({number, range->first + done, std::min(kFramesInPiece, range->count - done)});
    }
}

void FrameReader::State::start_helpers() {
    // Not from the beginning: threads inherit which signals reach them.
    std::call_once(helpers_started, [this] {
        // Where no more threads may be started, fewer do, or none: who reads decodes for himself.
        static_cast<void>(failure_of([this] {
            for (unsigned i = 0; i < options.prefetch_threads; ++i) {
                helpers.start([this](const std::stop_token& stop) { help(stop); });
                has_helpers = true;
            }
        }));
    });
}

void FrameReader::State::help(const std::stop_token& stop) {
    while (const auto range = pieces.pop(stop)) {
        --waiting_pieces;
        // Who needs the frame will meet the same error, and tell.
        static_cast<void>(failure_of([&] { decode_ahead(*range); }));
    }
}

void FrameReader::State::decode_ahead(const FrameRange& range) {
    const auto pack = open_pack(range.pack);
    const auto end = range.first + range.count;
    for (auto frame = range.first; frame < end;) {
        const auto taken = take(*pack, range.pack, frame, end - frame);
        if (taken == 0) {
            ++frame;
            continue;
        }
        std::optional<Error> problem;
        decode(*pack, {range.pack, frame, taken}, problem);
        ahead += taken;
        frame += taken;
    }
}

FrameReader::FrameReader(const Repository& repository,
                         FrameReaderOptions options,
                         FindPack find_pack)
    : state_(std::make_unique<State>(repository, options, std::move(find_pack))) {}

FrameReader::~FrameReader() = default;

void FrameReader::read(const IndexRecord& chunk, std::uint64_t offset, std::span<std::byte> out) {
    check_range(chunk, offset, out.size());
    if (out.empty()) {
        return;
    }
    const auto pack = state_->open_pack(chunk.pack);
    pack->check_place(chunk);
    auto place = find_place(*pack, {chunk.first_frame, chunk.offset}, offset);
    while (!out.empty()) {
        const auto whole = place.at == 0 ? count_whole_frames(*pack, place.frame, out.size()) : 0;
        std::size_t done = 0;
        if (whole > 0) {
            need_patience();
            for (std::uint32_t i = 0; i < whole; ++i) {
                done += pack->frame(place.frame + i).plain_bytes;
            }
            const State::Lease decoder(*state_);
            state_->bytes_fetched += pack->read(place.frame, whole, out.first(done), *decoder);
            state_->decoded += whole;
            place.frame += whole;
        } else {
            const auto plain = state_->get(*pack, chunk.pack, place.frame);
            done = std::min<std::size_t>(plain->size() - place.at, out.size());
            std::copy_n(plain->data() + place.at, done, out.data());
            place = {place.frame + 1, 0};
        }
        out = out.subspan(done);
    }
}

void FrameReader::collect(const IndexRecord& chunk,
                          std::uint64_t offset,
                          std::uint64_t size,
                          ByteChain& out) {
    check_range(chunk, offset, size);
    if (size == 0) {
        return;
    }
    const auto pack = state_->open_pack(chunk.pack);
    pack->check_place(chunk);
    auto place = find_place(*pack, {chunk.first_frame, chunk.offset}, offset);
    const auto last = find_place(*pack, place, size - 1).frame;
    const auto append = [&](Frame frame) {
        const auto piece = ByteView(*frame).subspan(place.at).first(
            std::min<std::uint64_t>(frame->size() - place.at, size));
        size -= piece.size();
        place = {place.frame + 1, 0};
        out.push_back({piece, std::move(frame)});
    };
    state_->note(chunk.pack, *pack, place.frame, last);
    while (size > 0) {
        if (auto cached = state_->cache.find(chunk.pack, place.frame)) {
            ++state_->cache_hits;
            append(std::move(cached));
            continue;
        }
        need_patience();
        const auto taken = state_->take(*pack, chunk.pack, place.frame, last - place.frame + 1);
        if (taken == 0) {
            state_->flights.wait(chunk.pack, place.frame);
            continue;
        }
        std::optional<Error> problem;
        auto frames = state_->decode(*pack, {chunk.pack, place.frame, taken}, problem);
        if (problem) {
            throw std::move(*problem);
        }
        for (auto& frame : frames) {
            append(std::move(frame));
        }
    }
}

void FrameReader::close_idle() {
    std::vector<State::OpenPack> packs;
    {
        auto open = state_->open_packs.lock();
        for (const auto& [number, pack] : *open) {
            packs.push_back(pack);
        }
    }
    for (const auto& pack : packs) {
        pack->close_if_idle();
    }
}

void FrameReader::forget_pack(std::uint32_t number) {
    state_->open_packs.lock()->erase(number);
}

FrameCounters FrameReader::counters() const {
    return {state_->decoded, state_->ahead, state_->cache_hits, state_->bytes_fetched};
}

}  // namespace backup::repository
