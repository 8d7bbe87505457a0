// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/repair.hpp"

#include "core/base/stop_on_signal.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/content/frame_group.hpp"
#include "core/maintenance/checks.hpp"
#include "core/maintenance/completion.hpp"
#include "core/maintenance/healing.hpp"
#include "core/maintenance/quarantine.hpp"
#include "core/maintenance/repair_generations.hpp"
#include "core/maintenance/repair_index.hpp"
#include "core/maintenance/repair_points.hpp"
#include "core/maintenance/verify_pack.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/pack_pipeline.hpp"
#include "core/repository/salvage.hpp"
#include "core/repository/session.hpp"
#include "core/repository/session_store.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace backup::maintenance {

using namespace repository;

namespace {

constexpr std::uint64_t kGroupBytes = 1U << 20U;

void ignore_damaged(const std::string&, const Error&) {}

constexpr int kMostTries = 8;

[[noreturn]] void throw_overtaken() {
    throw Error(ErrorCode::Incomplete, "a prune took away what this repair had listed")
        .hint("run it again: what was mended by then stays so");
}

class Repair {
  public:
    Repair(const Repository& repository,
           const RepairOptions& options,
           const Surroundings& surroundings)
        : repository_(repository),
          backend_(repository.backend()),
          options_(options),
          surroundings_(surroundings),
          random_(surroundings.random),
          inside_{surroundings.clock, random_, surroundings.progress, surroundings.stop},
          index_repair_(repository, inside_) {}

    RepairResult run() {
        if (!options_.dry_run) {
            session_.emplace(repository_, random_, surroundings_.clock, ignore_damaged);
        }
        look();
        mend_packs();
        if (!options_.dry_run) {
            write();
        }
        look_at_points();
        if (session_) {
            session_->end();
        }
        return std::move(result_);
    }

  private:
    using ChunkPlaces = std::set<content::ShortId>;

    void look();
    void list_packs();
    bool is_condemned(const content::Digest& pack) const;
    void mend_packs();
    void check_saved() const;
    void keep_going();
    ChunkStoreOptions chunk_options();
    bool is_damaged_pack(const content::Digest& name, const Error& error);
    const IndexedPack* find_indexed(const content::Digest& name) const;
    std::optional<Error> find_damage(const content::Digest& name, const IndexedPack* indexed);
    void index_if_lacking(const PackTables& tables, bool is_indexed);
    bool heal(const content::Digest& name);
    void salvage(const content::Digest& name, const IndexedPack* indexed, const Error& damage);
    bool has_other_place(const PackChunk& chunk) const;
    void save_chunk(const PackChunk& chunk, ByteView plain, BlobKind kind);
    void flush(BlobKind kind);
    void write();
    void quarantine_point(const std::string& blob);
    void look_at_points();
    bool is_stored(ChunkStore& chunks, const content::ShortId& id, std::uint64_t bytes) const;

    void note(std::string subject, std::string what) {
        result_.actions.push_back({std::move(subject), std::move(what)});
    }

    const Repository& repository_;
    backend::Backend& backend_;
    const RepairOptions& options_;
    const Surroundings& surroundings_;
    SharedRandom random_;  // the pipeline's threads make keys, too
    const Surroundings inside_;
    std::optional<Session> session_;
    IndexState index_;
    std::map<content::Digest, IndexedPack> indexed_;
    std::map<content::Digest, std::uint64_t> present_;
    GenerationState generations_;
    Checks checks_;
    std::optional<ChunkStore> chunks_;
    std::set<content::Digest> dead_;      // to be taken out of the index
    ChunkPlaces saved_;                   // have a place in a new pack
    std::set<content::Digest> suspects_;  // whose bytes were not proved, or that are dead
    IndexRepair index_repair_;
    std::optional<content::FrameGroupBuilder> builder_;
    std::optional<PackPipeline> pipeline_;
    Checks found_;
    RepairResult result_;
};

void Repair::look() {
    surroundings_.progress.stage("index");
    generations_ = look_at_generations(repository_);
    for (const auto& blob : generations_.damaged) {
        note(blob, "damaged: a copy to quarantine, another takes its place");
    }
    index_ = look_at_index(repository_, surroundings_.stop);
    for (const auto& blob : index_.damaged) {
        note(blob, "damaged: to quarantine, its packs are indexed anew");
    }
    result_.segments_quarantined = index_.damaged.size();
    for (auto& pack : index_.packs()) {
        indexed_.emplace(pack.name, pack);
    }
    list_packs();
    checks_ = load_checks(repository_, ignore_damaged);
    chunks_.emplace(repository_, chunk_options());
    for (const auto& [name, check] : checks_.packs) {
        if (!check.is_sound) {
            suspects_.insert(name);
        }
    }
    for (const auto& [name, pack] : indexed_) {
        const auto found = present_.find(name);
        if (found == present_.end() || found->second != pack.size) {
            suspects_.insert(name);
        }
    }
}

/// Without the segments that are damaged. What cannot be read just now is another thing: what it
/// says must not look lost.
ChunkStoreOptions Repair::chunk_options() {
    ChunkStoreOptions options;
    options.on_damaged_index = [this](const std::string& blob, const Error& error) {
        const auto& damaged = index_.damaged;
        if (error.code() != ErrorCode::CorruptData && error.code() != ErrorCode::UnknownFormat &&
            std::find(damaged.begin(), damaged.end(), blob) == damaged.end()) {
            throw Error(error).hint("run it again: nothing was taken for lost");
        }
    };
    return options;
}

void Repair::list_packs() {
    std::set<std::string> folders;
    backend_.list(kPacksFolder, [&](const backend::BlobInfo& info) {
        if (const auto digest = find_pack_digest(info.name)) {
            present_.emplace(*digest, info.size);
            folders.insert(info.name.substr(0, info.name.rfind('/')));
        }
    });
    if (!options_.dry_run) {
        // Names that a killed run left need not be durable yet, and the index is to name them.
        for (const auto& folder : folders) {
            backend_.list(folder, [](const backend::BlobInfo&) {});
        }
    }
}

bool Repair::is_condemned(const content::Digest& pack) const {
    return std::binary_search(generations_.condemned.begin(), generations_.condemned.end(), pack);
}

void Repair::mend_packs() {
    surroundings_.progress.stage("packs");
    surroundings_.progress.expect(present_.size(), 0);
    std::set<content::Digest> names;
    for (const auto& [name, pack] : indexed_) {
        names.insert(name);
    }
    for (const auto& [name, size] : present_) {
        names.insert(name);
    }
    result_.packs = names.size();
    // All damage is known before a chunk counts as being safe in another pack.
    std::map<content::Digest, Error> damaged;
    for (const auto& name : names) {
        keep_going();
        if (const auto damage = find_damage(name, find_indexed(name))) {
            damaged.emplace(name, *damage);
            suspects_.insert(name);
        }
        surroundings_.progress.advance(1, 0);
    }
    std::erase_if(damaged, [this](const auto& item) { return heal(item.first); });
    // Packs that a repair had put there when it ended, before it could put back what it had healed.
    for (const auto& name : list_quarantined_packs(backend_)) {
        if (!present_.contains(name) && !indexed_.contains(name)) {
            heal(name);
        }
    }
    if (!damaged.empty() && !options_.dry_run) {
        // From here on a prune prefers what is saved to what it was saved from.
        remember_checks(repository_, found_, surroundings_.clock.now(), random_);
    }
    for (const auto& [name, damage] : damaged) {
        keep_going();
        salvage(name, find_indexed(name), damage);
    }
    if (pipeline_) {
        pipeline_->drain();
        pipeline_->write_index();
        check_saved();
    }
}

/// A prune that took this run for dead may have removed packs that no index named yet: what they
/// were saved from must stay then.
void Repair::check_saved() const {
    const auto present = list_present_packs(repository_);
    for (const auto& pack : pipeline_->list_packs()) {
        if (!std::binary_search(present.begin(), present.end(), pack)) {
            throw_overtaken();
        }
    }
}

void Repair::keep_going() {
    throw_if_stopped(surroundings_.stop);
    if (session_) {
        session_->keep_alive();
    }
}

const IndexedPack* Repair::find_indexed(const content::Digest& name) const {
    const auto found = indexed_.find(name);
    return found == indexed_.end() ? nullptr : &found->second;
}

std::optional<Error> Repair::find_damage(const content::Digest& name, const IndexedPack* indexed) {
    const auto present = present_.find(name);
    if (present == present_.end()) {
        // A prune that took it away is about to write an index without it.
        return is_condemned(name) ? std::nullopt
                                  : std::optional(Error(ErrorCode::CorruptData, "it is missing"));
    }
    if (indexed != nullptr && present->second != indexed->size) {
        return Error(ErrorCode::CorruptData,
                     concat("it has ", present->second, " bytes, not ", indexed->size));
    }
    std::optional<PackTables> tables;
    const auto damage =
        failure_of([&] { tables = read_pack_tables(repository_, name, present->second); });
    if (damage && !is_damaged_pack(name, *damage)) {
        throw Error(*damage);
    }
    if (damage || (indexed != nullptr && tables->pack != *indexed)) {
        return damage ? damage : Error(ErrorCode::CorruptData, "it is not what the index says");
    }
    if (options_.read_data || suspects_.contains(name)) {
        const auto scan = scan_pack(repository_, tables->pack, {}, surroundings_.stop);
        found_.packs.insert_or_assign(name, Check{surroundings_.clock.now(), !scan.damage});
        if (scan.damage) {
            return scan.damage;
        }
        suspects_.erase(name);
    }
    if (!is_condemned(name)) {
        index_if_lacking(*tables, indexed != nullptr);
    }
    return std::nullopt;
}

bool Repair::is_damaged_pack(const content::Digest& name, const Error& error) {
    const auto blob = pack_name(name);
    if (error.code() == ErrorCode::UnknownFormat) {
        // A damaged header may look like a format of the future. What is genuine is for a newer
        // program.
        return content::sha256(salvage_blob(backend_, blob, format::kLargestPack).bytes) != name;
    }
    return is_damage(backend_, blob, format::kLargestPack, error);
}

void Repair::index_if_lacking(const PackTables& tables, bool is_indexed) {
    if (is_indexed &&
        !failure_of([&] { verify_pack_tables(repository_, *chunks_, tables.pack); })) {
        return;
    }
    ++result_.packs_indexed;
    note(pack_name(tables.pack.name), "indexed by its own tables");
    if (!options_.dry_run) {
        index_repair_.add(tables);
    }
}

bool Repair::heal(const content::Digest& name) {
    const auto healing = heal_pack(repository_, name);
    if (!healing.pack) {
        return false;
    }
    const auto blob = pack_name(name);
    ++result_.packs_healed;
    note(blob, "healed by its parity");
    suspects_.erase(name);
    if (options_.dry_run) {
        return true;
    }
    // Between the two steps the pack is missing; parity heals it from quarantine then.
    copy_to_quarantine(backend_, blob);
    backend_.remove(blob);
    backend_.put(blob, *healing.pack);
    backend_.sync();
    present_[name] = healing.pack->size();
    found_.packs.insert_or_assign(name, Check{surroundings_.clock.now(), true});
    if (!is_condemned(name)) {
        index_if_lacking(read_pack_tables(repository_, name, healing.pack->size()),
                         indexed_.contains(name));
    }
    return true;
}

void Repair::salvage(const content::Digest& name, const IndexedPack* indexed, const Error& damage) {
    const auto blob = pack_name(name);
    dead_.insert(name);
    std::uint64_t saved = 0;
    std::uint64_t lost = 0;
    std::optional<IndexedPack> pack;
    if (indexed != nullptr) {
        pack = *indexed;
    } else if (const auto present = present_.find(name); present != present_.end()) {
        failure_of([&] { pack = read_pack_tables(repository_, name, present->second).pack; });
    }
    if (pack && present_.contains(name)) {
        const auto scan = scan_pack(
            repository_,
            *pack,
            [&](const PackChunk& chunk, ByteView plain) {
                // That place may be condemned while a record of what is cannot be read.
                const bool is_safe = generations_.damaged.empty() && has_other_place(chunk);
                if (!is_safe && saved_.insert(chunk.id.short_id()).second) {
                    save_chunk(chunk, plain, pack->kind);
                    ++saved;
                }
            },
            surroundings_.stop);
        flush(pack->kind);
        lost = static_cast<std::uint64_t>(
            std::count_if(scan.lost.begin(), scan.lost.end(), [this](const PackChunk& chunk) {
                return !has_other_place(chunk);
            }));
    }
    result_.chunks_saved += saved;
    result_.chunks_lost += lost;
    const bool is_present = present_.contains(name);
    result_.packs_quarantined += is_present ? 1U : 0U;
    note(blob,
         is_present
             ? concat(damage.message(), ": ", saved, " chunks saved, the rest goes to quarantine")
             : std::string("missing: its chunks leave the index"));
}

bool Repair::has_other_place(const PackChunk& chunk) const {
    const auto places = chunks_->find_all(chunk.id.short_id());
    return std::any_of(places.begin(), places.end(), [&](const ChunkLocation& place) {
        return place.length == chunk.length && !suspects_.contains(place.pack) &&
               !is_condemned(place.pack);
    });
}

void Repair::save_chunk(const PackChunk& chunk, ByteView plain, BlobKind kind) {
    if (options_.dry_run) {
        return;
    }
    if (!pipeline_) {
        builder_.emplace(repository_.parameters().frame_bytes, 1, true);
        pipeline_.emplace(repository_, random_);
    }
    builder_->add(chunk.id, chunk.kind, plain);
    if (builder_->plain_bytes() >= kGroupBytes) {
        flush(kind);
    }
}

void Repair::flush(BlobKind kind) {
    if (builder_ && !builder_->empty()) {
        pipeline_->add(builder_->take(), kind);
    }
}

void Repair::write() {
    result_.segments_written = index_repair_.finish(index_, dead_);
    for (const auto& name : dead_) {
        const auto blob = pack_name(name);
        copy_to_quarantine(backend_, blob);
        backend_.remove(blob);
    }
    backend_.sync();
    replace_generations(repository_, generations_.damaged, present_, inside_);
}

bool Repair::is_stored(ChunkStore& chunks, const content::ShortId& id, std::uint64_t bytes) const {
    const auto places = chunks.find_all(id);
    // After a real run what was saved has a place.
    return (options_.dry_run && saved_.contains(id)) ||
           std::any_of(places.begin(), places.end(), [&](const ChunkLocation& place) {
               return place.length == bytes && !dead_.contains(place.pack);
           });
}

void Repair::quarantine_point(const std::string& blob) {
    copy_to_quarantine(backend_, blob);
    // Nor is its writer, who may be asleep, to put it again when its data is gone.
    const auto point = find_point_name(blob).value().digest;
    put_tombstones(repository_, {&point, 1});
    backend_.remove(blob);
    backend_.sync();
}

void Repair::look_at_points() {
    surroundings_.progress.stage("points");
    const bool is_clear = index_.damaged.empty() && result_.packs_indexed == 0;
    if (options_.dry_run && (!is_clear || result_.packs_healed > 0)) {
        result_.why_unknown = "what points lost can be told when index and packs are mended";
        return;
    }
    auto points = list_points(repository_, [this](const std::string& blob, const Error& error) {
        const bool is_damaged = is_damage(backend_, blob, format::kLargestPoint, error);
        if (!is_damaged && error.code() == ErrorCode::Io) {
            throw Error(error);
        }
        result_.lost.push_back({blob, error.what(), error.code()});
        if (!options_.quarantine_points || !is_damaged) {
            return;
        }
        note(blob, "damaged: to quarantine");
        if (!options_.dry_run) {
            quarantine_point(blob);
        }
    });
    take_buried(repository_, points);
    result_.points = points.size();
    ChunkStore chunks(repository_, chunk_options());
    auto losses = find_losses(
        points,
        chunks,
        [&](const content::ShortId& id, std::uint64_t bytes) {
            return is_stored(chunks, id, bytes);
        },
        surroundings_);
    std::move(losses.lost.begin(), losses.lost.end(), std::back_inserter(result_.lost));
    result_.damaged_points = std::move(losses.damaged_points);
    found_.points = std::move(losses.checks);
    if (!options_.dry_run) {
        remember_checks(repository_, found_, surroundings_.clock.now(), random_);
    }
}

}  // namespace

RepairResult repair_repository(const Repository& repository,
                               const RepairOptions& options,
                               const Surroundings& surroundings) {
    for (int tries = 0; tries < kMostTries; ++tries) {
        RepairResult result;
        const auto failure =
            failure_of([&] { result = Repair(repository, options, surroundings).run(); });
        if (!failure) {
            return result;
        }
        // A prune took away what had just been listed: it begins anew.
        if (failure->code() != ErrorCode::NotFound) {
            throw Error(*failure);
        }
    }
    throw_overtaken();
}

}  // namespace backup::maintenance
