// SPDX-License-Identifier: Apache-2.0
#include "core/repository/writer.hpp"

#include "core/base/text.hpp"
#include "core/content/chunker.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/pack_pipeline.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

namespace backup::repository {

namespace {

constexpr std::uint64_t kMetadataGroupBytes = 1U << 20U;

/// Keys are made by the thread that seals while others commit.
class SharedRandom : public Random {
  public:
    explicit SharedRandom(Random& random) : random_(random) {}

    void fill(std::span<std::byte> out) override {
        const std::scoped_lock lock(mutex_);
        random_.fill(out);
    }

  private:
    std::mutex mutex_;
    Random& random_;
};

enum class ClaimState : std::uint8_t { Claimed, ReliedOn, Added };

struct Claims {
    std::unordered_map<content::ShortId, ClaimState> chunks;
    std::set<content::Digest> needed_packs;  // that were there before this run
};

struct Metadata {
    content::ChunkHasher hasher;
    content::FrameGroupBuilder builder;
};

BlobKind blob_kind(PackKind kind) {
    return kind == PackKind::Data ? BlobKind::DataPack : BlobKind::MetadataPack;
}

/// Packs the index names that the backend does not have in full.
std::set<content::Digest> find_lost_packs(const Repository& repository, const ChunkStore& known) {
    const auto indexed = known.list_packs();
    if (indexed.empty()) {
        return {};
    }
    std::map<content::Digest, std::uint64_t> present;
    repository.backend().list(kPacksFolder, [&present](const backend::BlobInfo& info) {
        if (const auto digest = find_pack_digest(info.name)) {
            present.emplace(*digest, info.size);
        }
    });
    std::set<content::Digest> lost;
    for (const auto& pack : indexed) {
        const auto found = present.find(pack.name);
        if (found == present.end() || found->second != pack.size) {
            lost.insert(pack.name);
        }
    }
    return lost;
}

}  // namespace

struct Writer::State {
    State(const Repository& used,
          ChunkStore& store,
          Random& source,
          Clock& time,
          WriterOptions options)
        : repository(used),
          known(store),
          lost_packs(find_lost_packs(used, store)),
          random(source),
          clock(time),
          chunker(used.keys().chunker, used.parameters().chunker),
          metadata(Metadata{content::ChunkHasher(used.keys().chunk_id),
                            content::FrameGroupBuilder(used.parameters().frame_bytes,
                                                       options.compression_level,
                                                       options.verify_writes)}),
          pipeline(used, random) {}

    bool is_stored_before(const content::ShortId& id, Claims& seen) const;
    bool is_known(const content::ShortId& id, bool claim);
    void add_group(content::FrameGroup group, PackKind kind);
    content::ChunkId add_chunk(content::ChunkKind kind, ByteView plain);
    Stream add_stream(ByteView bytes);
    void flush();
    void check_claims();
    Bytes list_needed_packs();

    const Repository& repository;
    ChunkStore& known;
    const std::set<content::Digest> lost_packs;
    SharedRandom random;
    Clock& clock;
    const content::Chunker chunker;
    Synchronized<Claims> claims;
    Synchronized<Metadata> metadata;
    std::atomic<std::uint64_t> chunks_added{0};
    std::atomic<std::uint64_t> chunks_known{0};
    std::atomic<std::uint64_t> new_bytes{0};
    PackPipeline pipeline;
};

bool Writer::State::is_stored_before(const content::ShortId& id, Claims& seen) const {
    const auto place = known.find(id);
    if (!place) {
        return false;
    }
    if (!lost_packs.contains(place->pack)) {
        seen.needed_packs.insert(place->pack);
        return true;
    }
    for (const auto& other : known.find_all(id)) {
        if (!lost_packs.contains(other.pack)) {
            seen.needed_packs.insert(other.pack);
            return true;
        }
    }
    return false;
}

bool Writer::State::is_known(const content::ShortId& id, bool claim) {
    auto seen = claims.lock();
    if (const auto found = seen->chunks.find(id); found != seen->chunks.end()) {
        if (found->second == ClaimState::Claimed) {
            found->second = ClaimState::ReliedOn;
        }
        ++chunks_known;
        return true;
    }
    if (is_stored_before(id, *seen)) {
        ++chunks_known;
        return true;
    }
    if (claim) {
        seen->chunks.emplace(id, ClaimState::Claimed);
    }
    return false;
}

void Writer::State::add_group(content::FrameGroup group, PackKind kind) {
    content::check_group(group, content::kLargestFrameBytes);
    if (group.frames.empty()) {
        return;
    }
    std::vector<content::ShortId> ids;
    ids.reserve(group.chunks.size());
    std::uint64_t plain_bytes = 0;
    for (const auto& chunk : group.chunks) {
        ids.push_back(chunk.id.short_id());
        plain_bytes += chunk.length;
    }
    pipeline.add(std::move(group), blob_kind(kind));
    chunks_added += ids.size();
    new_bytes += plain_bytes;
    auto seen = claims.lock();
    for (const auto& id : ids) {
        seen->chunks.insert_or_assign(id, ClaimState::Added);
    }
}

content::ChunkId Writer::State::add_chunk(content::ChunkKind kind, ByteView plain) {
    content::FrameGroup full;
    const auto id = [&] {
        auto open = metadata.lock();
        const auto name = open->hasher(kind, plain);
        if (!is_known(name.short_id(), true)) {
            open->builder.add(name, kind, plain);
        }
        if (open->builder.plain_bytes() >= kMetadataGroupBytes) {
            full = open->builder.take();
        }
        return name;
    }();
    add_group(std::move(full), PackKind::Metadata);
    return id;
}

Stream Writer::State::add_stream(ByteView bytes) {
    Stream stream;
    const bool is_single = bytes.size() <= chunker.parameters().single_chunk_bytes();
    while (!bytes.empty()) {
        const bool is_last = bytes.size() < chunker.parameters().max_bytes;
        const auto length = is_single ? bytes.size() : chunker.next_cut(bytes, is_last);
        stream.emplace_back(add_chunk(content::ChunkKind::Metadata, bytes.first(length)),
                            static_cast<std::uint32_t>(length));
        bytes = bytes.subspan(length);
    }
    return stream;
}

void Writer::State::flush() {
    auto rest = metadata.lock()->builder.take();
    add_group(std::move(rest), PackKind::Metadata);
    pipeline.drain();
}

void Writer::State::check_claims() {
    auto seen = claims.lock();
    for (const auto& [id, state] : seen->chunks) {
        if (state == ClaimState::ReliedOn) {
            throw Error(ErrorCode::Incomplete,
                        concat("chunk ",
                               id.hex(),
                               " was to come from a part of the backup that failed, and another"
                               " part needs it"))
                .hint("run the backup again");
        }
    }
}

Bytes Writer::State::list_needed_packs() {
    auto names = pipeline.list_packs();
    {
        auto seen = claims.lock();
        names.insert(names.end(), seen->needed_packs.begin(), seen->needed_packs.end());
    }
    std::sort(names.begin(), names.end());
    Bytes list;
    list.reserve(names.size() * sizeof(content::Digest));
    for (const auto& name : names) {
        append(list, name);
    }
    return list;
}

Writer::Writer(const Repository& repository,
               ChunkStore& known,
               Random& random,
               Clock& clock,
               WriterOptions options)
    : state_(std::make_unique<State>(repository, known, random, clock, options)) {}

Writer::~Writer() = default;

bool Writer::is_known(const content::ShortId& id) {
    return state_->is_known(id, false);
}

bool Writer::claim(const content::ShortId& id) {
    return !state_->is_known(id, true);
}

void Writer::add_group(content::FrameGroup group, PackKind kind) {
    state_->add_group(std::move(group), kind);
}

content::ChunkId Writer::add_chunk(content::ChunkKind kind, ByteView plain) {
    return state_->add_chunk(kind, plain);
}

Stream Writer::add_stream(ByteView bytes) {
    return state_->add_stream(bytes);
}

PointRecord Writer::commit(PointRecord record) {
    auto& backend = state_->repository.backend();
    state_->flush();
    state_->check_claims();
    // The list cannot name the pack it lies in, so it goes into one of its own.
    record.packs = state_->add_stream(state_->list_needed_packs());
    state_->flush();
    state_->pipeline.write_index();

    record.point.finished = state_->clock.now();
    record.point.statistics.new_bytes = state_->new_bytes;
    record.point.statistics.stored_bytes = state_->pipeline.stored_bytes();
    const auto blob = encode_point(state_->repository, record, state_->random);
    const auto digest = content::sha256(blob);
    backend.put(point_name(record.point.created, digest), blob, true);
    backend.sync();
    record.point.id = to_hex(digest);
    return record;
}

WriterCounters Writer::counters() const {
    return {state_->chunks_added,
            state_->chunks_known,
            state_->new_bytes,
            state_->pipeline.stored_bytes()};
}

}  // namespace backup::repository
