// SPDX-License-Identifier: Apache-2.0
#include "core/repository/writer.hpp"

#include "core/base/task_group.hpp"
#include "core/content/chunker.hpp"
#include "core/repository/adopt_packs.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/chunk_claims.hpp"
#include "core/repository/index_merge.hpp"
#include "core/repository/pack_pipeline.hpp"
#include "core/repository/session.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <utility>

namespace backup::repository {

namespace {

constexpr std::uint64_t kMetadataGroupBytes = 1U << 20U;

struct Metadata {
    content::ChunkHasher hasher;
    content::FrameGroupBuilder builder;
};

BlobKind blob_kind(PackKind kind) {
    return kind == PackKind::Data ? BlobKind::DataPack : BlobKind::MetadataPack;
}

using PackSizes = std::map<content::Digest, std::uint64_t>;

PackSizes list_pack_sizes(const Repository& repository) {
    PackSizes present;
    repository.backend().list(kPacksFolder, [&present](const backend::BlobInfo& info) {
        if (const auto digest = find_pack_digest(info.name)) {
            present.emplace(*digest, info.size);
        }
    });
    return present;
}

/// Packs that no index names and nobody is about to remove.
std::vector<ListedPack> find_orphans(const PackSizes& present,
                                     const ChunkStore& known,
                                     const Session& session) {
    auto rest = present;
    for (const auto& pack : known.list_packs()) {
        rest.erase(pack.name);
    }
    std::vector<ListedPack> orphans;
    for (const auto& [name, size] : rest) {
        if (!session.is_condemned(name)) {
            orphans.push_back({name, size});
        }
    }
    return orphans;
}

/// Returns the packs the index names that the backend does not have in full. What runs that died
/// had stored is in the index then.
std::set<content::Digest> take_stock(const Repository& repository,
                                     ChunkStore& known,
                                     const Session& session,
                                     Random& random) {
    const auto present = list_pack_sizes(repository);
    auto orphans = find_orphans(present, known, session);
    if (!orphans.empty()) {
        // A run that ended since the index was opened has indexed its own.
        known.refresh();
        orphans = find_orphans(present, known, session);
    }
    for (const auto& segment : adopt_packs(repository, orphans, random)) {
        known.add_segment(segment);
    }
    std::set<content::Digest> lost;
    for (const auto& pack : known.list_packs()) {
        const auto found = present.find(pack.name);
        if (found == present.end() || found->second != pack.size) {
            lost.insert(pack.name);
        }
    }
    return lost;
}

}  // namespace

struct Writer::State {
    State(
        const Repository& used, ChunkStore& store, Random& source, Clock& time, WriterOptions given)
        : repository(used),
          known(store),
          options(std::move(given)),
          random(source),
          session(used, random, time),
          lost_packs(take_stock(used, store, session, random)),
          clock(time),
          chunker(used.keys().chunker, used.parameters().chunker),
          claims(store, [this](const content::Digest& pack) { return is_usable(pack); }),
          metadata(Metadata{content::ChunkHasher(used.keys().chunk_id),
                            content::FrameGroupBuilder(used.parameters().frame_bytes,
                                                       options.compression_level,
                                                       options.verify_writes)}),
          pipeline(used,
                   random,
                   [this](const content::Digest& segment, std::span<const IndexRecord> records) {
                       known.add_segment(segment);
                       claims.drop_indexed(records);
                   }) {}

    bool is_known(const content::ShortId& id, bool claim);
    bool is_usable(const content::Digest& pack) const;
    void add_group(content::FrameGroup group, PackKind kind);
    content::ChunkId add_chunk(content::ChunkKind kind, ByteView plain);
    Stream add_stream(ByteView bytes);
    void flush();
    void compact();
    std::vector<content::Digest> needed_packs();
    Bytes list_needed_packs();

    const Repository& repository;
    ChunkStore& known;
    const WriterOptions options;
    SharedRandom random;  // keys are made by the thread that seals while others commit
    Session session;
    const std::set<content::Digest> lost_packs;
    Clock& clock;
    const content::Chunker chunker;
    ChunkClaims claims;
    Synchronized<Metadata> metadata;
    std::atomic<std::uint64_t> chunks_added{0};
    std::atomic<std::uint64_t> chunks_known{0};
    std::atomic<std::uint64_t> new_bytes{0};
    PackPipeline pipeline;
};

bool Writer::State::is_usable(const content::Digest& pack) const {
    return !lost_packs.contains(pack) && !options.unsound_packs.contains(pack) &&
           !session.is_condemned(pack);
}

bool Writer::State::is_known(const content::ShortId& id, bool claim) {
    const bool is_known = claims.is_known(id, claim);
    chunks_known += is_known ? 1U : 0U;
    return is_known;
}

void Writer::State::add_group(content::FrameGroup group, PackKind kind) {
    content::check_group(group, content::kLargestFrameBytes);
    if (group.frames.empty()) {
        return;
    }
    session.keep_alive();
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
    claims.note_added(ids);
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

// Better a backup with many small segments than none.
void Writer::State::compact() {
    if (options.compact_index && !session.saw_collection()) {
        static_cast<void>(
            failure_of([this] { compact_index(repository, known.list_segments(), random); }));
    }
}

std::vector<content::Digest> Writer::State::needed_packs() {
    auto names = pipeline.list_packs();
    const auto found = claims.needed_packs();
    names.insert(names.end(), found.begin(), found.end());
    std::sort(names.begin(), names.end());
    // What was indexed during the run is found there again.
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

Bytes Writer::State::list_needed_packs() {
    const auto names = needed_packs();
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
    : state_(std::make_unique<State>(repository, known, random, clock, std::move(options))) {}

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

void Writer::keep() {
    state_->flush();
    state_->pipeline.write_index();
}

PointRecord Writer::commit(PointRecord record) {
    state_->flush();
    state_->claims.check();
    // The list cannot name the pack it lies in, so it goes into one of its own.
    record.packs = state_->add_stream(state_->list_needed_packs());
    state_->flush();
    state_->pipeline.write_index();
    state_->compact();

    record.point.finished = state_->clock.now();
    record.point.statistics.new_bytes = state_->new_bytes;
    record.point.statistics.stored_bytes = state_->pipeline.stored_bytes();
    const auto blob = encode_point(state_->repository, record, state_->random);
    const auto digest = content::sha256(blob);
    state_->session.commit(point_name(record.point.created, digest), blob, state_->needed_packs());
    record.point.id = to_hex(digest);
    return record;
}

WriterCounters Writer::counters() const {
    return {state_->chunks_added,
            state_->chunks_known,
            state_->new_bytes,
            state_->pipeline.stored_bytes()};
}

bool Writer::verifies_writes() const {
    return state_->options.verify_writes;
}

}  // namespace backup::repository
