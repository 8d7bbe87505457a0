// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/verify.hpp"

#include "core/base/each_at_once.hpp"
#include "core/base/stop_on_signal.hpp"
#include "core/base/synchronized.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/maintenance/completion.hpp"
#include "core/maintenance/healing.hpp"
#include "core/maintenance/parity_switch.hpp"
#include "core/maintenance/read_order.hpp"
#include "core/maintenance/verify_pack.hpp"
#include "core/maintenance/verify_point.hpp"
#include "core/maintenance/verify_records.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/gc_generation.hpp"
#include "core/repository/index_reader.hpp"
#include "core/repository/point_store.hpp"
#include "core/repository/salvage.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <utility>

namespace backup::maintenance {

using namespace repository;

namespace {

constexpr std::size_t kPointsNamed = 3;

/// Which points name a pack: the first few, and how many. A big repository has many of both.
struct Need {
    std::array<std::uint32_t, kPointsNamed> points{};  // numbers
    std::uint32_t count = 0;
};

class Verification {
  public:
    Verification(const Repository& repository,
                 const VerifyOptions& options,
                 Progress& progress,
                 std::stop_token stop,
                 Synchronized<Checks>& found)
        : repository_(repository),
          options_(options),
          progress_(progress),
          stop_(std::move(stop)),
          found_(found),
          chunks_(repository,
                  {.on_damaged_index = [this](const std::string& blob, const Error& error) {
                      note_damaged_index(blob, error);
                  }}) {}

    VerifyResult run();

  private:
    void add_problem(const std::string& subject, const Error& error) {
        add_problem({subject, error.what(), error.code()});
    }

    void add_problem(Problem problem) { problems_.lock()->push_back(std::move(problem)); }

    /// Runs `action`; what it throws becomes a problem of `subject`. False when it threw.
    template <typename Action>
    bool attempt(const std::string& subject, Action&& action, std::string_view suffix = {});

    void note_damaged_index(const std::string& blob, const Error& error);
    void verify_index();
    void list_packs();
    void verify_sizes();
    void verify_parity();
    void load_points();
    void verify_pack_set(std::uint32_t number);
    void verify_trees();
    void verify_packs();
    void verify_pack(const IndexedPack& pack, bool reads_all, const std::stop_token& stop);
    void read_pack(const IndexedPack& pack, const std::string& need, const std::stop_token& stop);
    bool is_lasting(const std::string& blob, const Error& error);
    std::string describe_parity(const IndexedPack& pack);
    void take_damage(const IndexedPack& pack, const PackScan& scan);
    bool is_excused(const content::Digest& pack) const;
    bool is_stored(const content::ShortId& id, std::uint64_t bytes) const;
    bool is_sound_place(const ChunkLocation& place, const content::ShortId& id) const;
    VerifyResult make_result();
    /// ", needed by a, b and 3 more": empty when no point needs it.
    std::string describe_need(const content::Digest& pack) const;

    const Repository& repository_;
    const VerifyOptions& options_;
    Progress& progress_;
    std::stop_token stop_;
    Synchronized<Checks>& found_;
    Synchronized<std::vector<Problem>> problems_;
    std::vector<Problem> warnings_;
    Synchronized<std::set<std::string>> damaged_index_;
    /// False: what is in no index may be in a segment that only this time could not be read.
    std::atomic<bool> knows_index_{true};
    ChunkStore chunks_;
    std::vector<IndexedPack> indexed_;
    std::map<content::Digest, std::uint64_t> present_;
    std::set<content::Digest> lost_;
    std::vector<content::Digest> condemned_;  // sorted
    std::vector<content::Digest> bare_;       // lack their parity
    std::vector<PointRecord> points_;
    std::set<std::string> damaged_points_;
    std::map<content::Digest, Need> needed_by_;
    /// Found while packs were read.
    mutable Synchronized<std::map<content::Digest, std::set<content::ShortId>>> bad_chunks_;
    std::atomic<std::uint64_t> packs_read_{0};
    std::atomic<std::uint64_t> bytes_read_{0};
};

template <typename Action>
bool Verification::attempt(const std::string& subject, Action&& action, std::string_view suffix) {
    try {
        action();
        return true;
    } catch (const Error& error) {
        if (error.code() == ErrorCode::Interrupted) {
            throw;
        }
        add_problem({subject, concat(error.what(), suffix), error.code()});
        return false;
    }
}

VerifyResult Verification::run() {
    progress_.stage("points");
    verify_records(
        repository_,
        [this](const std::string& blob, const Error& error) { add_problem(blob, error); },
        [this](const std::string& blob, const Error& error) {
            warnings_.push_back({blob, error.what(), error.code()});
        });
    attempt(std::string(kGenerationsFolder), [this] {
        condemned_ = condemned_packs(list_generations(
            repository_,
            [this](const std::string& blob, const Error& error) { add_problem(blob, error); }));
    });
    verify_index();
    list_packs();
    load_points();
    verify_sizes();
    verify_parity();
    if (options_.level != VerifyLevel::Quick) {
        progress_.stage("packs");
        verify_packs();
        progress_.stage("trees");
        verify_trees();
    }
    return make_result();
}

VerifyResult Verification::make_result() {
    VerifyResult result;
    result.problems = std::move(*problems_.lock());
    result.warnings = std::move(warnings_);
    result.points = points_.size();
    result.packs = indexed_.size();
    result.packs_read = packs_read_;
    result.packs_bare = bare_.size();
    result.bytes_read = bytes_read_;
    result.chunks = chunks_.chunk_count();
    for (const auto& [name, need] : needed_by_) {
        result.packs_replaced += !present_.contains(name) && chunks_.is_superseded(name) ? 1U : 0U;
    }
    result.packs_condemned = static_cast<std::uint64_t>(
        std::count_if(condemned_.begin(), condemned_.end(), [this](const auto& name) {
            return present_.contains(name);
        }));
    std::set<content::Digest> indexed;
    for (const auto& pack : indexed_) {
        indexed.insert(pack.name);
    }
    for (const auto& [name, size] : present_) {
        result.packs_unindexed += indexed.contains(name) ? 0U : 1U;
    }
    result.damaged_points.assign(damaged_points_.begin(), damaged_points_.end());
    result.found = *found_.lock();
    auto known = options_.known;
    known.merge(result.found);
    result.read_age = measure_read_age(indexed_, known, options_.now);
    return result;
}

void Verification::note_damaged_index(const std::string& blob, const Error& error) {
    if (!damaged_index_.lock()->insert(blob).second) {
        return;
    }
    add_problem(blob, error);
    bool is_lost = false;
    const auto failure = failure_of([&] {
        is_lost = is_damage(repository_.backend(), blob, format::kLargestIndexSegment, error);
    });
    if (may_pass(error.code()) && (failure || !is_lost)) {
        knows_index_ = false;
    }
}

void Verification::verify_index() {
    for (const auto& segment : list_index_segments(repository_)) {
        throw_if_stopped(stop_);
        const auto name = index_name(segment.digest);
        if (damaged_index_.lock()->contains(name)) {
            continue;
        }
        const bool is_sound = attempt(
            name, [&] { verify_index_segment(repository_, segment.digest, segment.blob_bytes); });
        if (!is_sound) {
            damaged_index_.lock()->insert(name);
        }
    }
}

void Verification::list_packs() {
    indexed_ = chunks_.list_packs();
    repository_.backend().list(kPacksFolder, [this](const backend::BlobInfo& info) {
        if (const auto digest = find_pack_digest(info.name)) {
            present_.emplace(*digest, info.size);
        }
    });
    for (const auto& pack : indexed_) {
        const auto found = present_.find(pack.name);
        if (found == present_.end() || found->second != pack.size) {
            lost_.insert(pack.name);
        }
    }
}

void Verification::verify_sizes() {
    for (const auto& pack : indexed_) {
        const auto found = present_.find(pack.name);
        if (!lost_.contains(pack.name) || (found == present_.end() && is_excused(pack.name))) {
            continue;
        }
        const auto what = found == present_.end()
                              ? std::string("it is missing")
                              : concat("it has ", found->second, " bytes, not ", pack.size);
        add_problem({pack_name(pack.name),
                     concat(what, describe_need(pack.name), describe_parity(pack)),
                     ErrorCode::CorruptData});
    }
}

/// Nobody can tell parity that was lost from parity that was never made.
void Verification::verify_parity() {
    attempt(std::string(kParityFolder), [this] {
        bare_ = list_packs_without_parity(repository_);
        std::erase_if(bare_, [this](const auto& pack) { return is_excused(pack); });
    });
    if (!bare_.empty()) {
        warnings_.push_back(
            {std::string(kParityFolder), describe_lack(bare_), ErrorCode::NotFound});
    }
}

/// A prune has copied what was needed of it, or is about to take it away: nobody is to miss it. A
/// chunk that somebody needs is looked for in other packs.
bool Verification::is_excused(const content::Digest& pack) const {
    return chunks_.is_superseded(pack) ||
           std::binary_search(condemned_.begin(), condemned_.end(), pack);
}

void Verification::load_points() {
    points_ = list_points(repository_, [this](const std::string& blob, const Error& error) {
        add_problem(blob, error);
        if (const auto name = find_point_name(blob)) {
            damaged_points_.insert(to_hex(name->digest));
        }
    });
    attempt(std::string(kForgetsFolder), [this] { take_buried(repository_, points_); });
    for (std::uint32_t number = 0; number < points_.size(); ++number) {
        throw_if_stopped(stop_);
        const auto& record = points_[number];
        if (!attempt(name_of(record), [&] { verify_pack_set(number); })) {
            damaged_points_.insert(record.point.id);
        }
    }
}

void Verification::verify_pack_set(std::uint32_t number) {
    const auto& record = points_[number];
    for (const auto& name : read_pack_list(chunks_, record)) {
        auto& need = needed_by_[name];
        if (need.count < need.points.size()) {
            need.points[need.count] = number;
        }
        ++need.count;
        if (!present_.contains(name) && !is_excused(name)) {
            damaged_points_.insert(record.point.id);
            add_problem({name_of(record),
                         concat("it needs ", pack_name(name), ", which is missing"),
                         ErrorCode::CorruptData});
        }
    }
}

void Verification::verify_trees() {
    progress_.expect(points_.size(), 0);
    PointVerifier verifier(
        repository_, chunks_, [this](const content::ShortId& id, std::uint64_t bytes) {
            return is_stored(id, bytes);
        });
    for (const auto& record : points_) {
        throw_if_stopped(stop_);
        auto findings = verifier.verify(record, stop_);
        if (!findings.problems.empty()) {
            damaged_points_.insert(record.point.id);
        }
        std::for_each(findings.problems.begin(), findings.problems.end(), [this](auto& problem) {
            add_problem(std::move(problem));
        });
        if (findings.is_sound && (*findings.is_sound || knows_index_)) {
            found_.lock()->points.insert_or_assign(record.point.id,
                                                   Check{options_.now, *findings.is_sound});
        }
        progress_.advance(1, 0);
    }
}

void Verification::verify_packs() {
    const auto percent = options_.level == VerifyLevel::ReadData ? options_.percent : 0;
    const auto to_read = choose_packs_to_read(indexed_, options_.known, percent);
    std::uint64_t bytes = 0;
    for (const auto& pack : indexed_) {
        bytes += to_read.contains(pack.name) ? pack.size : 0;
    }
    progress_.expect(indexed_.size(), bytes);
    const auto verify_at = [&](std::size_t at, const std::stop_token& stop) {
        verify_pack(indexed_[at], to_read.contains(indexed_[at].name), stop);
    };
    each_at_once(indexed_.size(), std::max(1U, options_.threads), verify_at, stop_);
}

void Verification::verify_pack(const IndexedPack& pack,
                               bool reads_all,
                               const std::stop_token& stop) {
    if (lost_.contains(pack.name)) {
        return;
    }
    const auto name = pack_name(pack.name);
    const auto need = describe_need(pack.name);
    std::optional<Error> damage;
    attempt(
        name,
        [&] {
            damage = failure_of([&] { verify_pack_tables(repository_, chunks_, pack); });
            if (damage) {
                throw Error(*damage);
            }
        },
        need);
    if (reads_all) {
        read_pack(pack, need, stop);
        ++packs_read_;
        bytes_read_ += pack.size;
    } else if (damage && is_lasting(name, *damage)) {
        found_.lock()->packs.insert_or_assign(pack.name, Check{options_.now, false});
    }
    progress_.advance(1, reads_all ? pack.size : 0);
}

void Verification::read_pack(const IndexedPack& pack,
                             const std::string& need,
                             const std::stop_token& stop) {
    const auto name = pack_name(pack.name);
    PackScan scan;
    if (!attempt(
            name, [&] { scan = scan_pack(repository_, pack, {}, stop); }, need)) {
        return;
    }
    found_.lock()->packs.insert_or_assign(pack.name, Check{options_.now, !scan.damage});
    if (!scan.damage) {
        attempt(parity_name(pack.name), [&] { check_parity(repository_, pack.name); });
        return;
    }
    add_problem(
        {name, concat(scan.damage->what(), need, describe_parity(pack)), scan.damage->code()});
    take_damage(pack, scan);
}

/// Not when the storage only stumbled, or is gone: then nothing is known of the pack.
bool Verification::is_lasting(const std::string& blob, const Error& error) {
    bool is_lasting = false;
    attempt(blob, [&] {
        is_lasting = is_damage(repository_.backend(), blob, format::kLargestPack, error);
    });
    return is_lasting;
}

std::string Verification::describe_parity(const IndexedPack& pack) {
    Healing healing;
    attempt(parity_name(pack.name), [&] { healing = heal_pack(repository_, pack.name); });
    if (healing.parity_damage) {
        add_problem(parity_name(pack.name), *healing.parity_damage);
    }
    return describe_healing(healing);
}

void Verification::take_damage(const IndexedPack& pack, const PackScan& scan) {
    auto bad = bad_chunks_.lock();
    auto& ids = (*bad)[pack.name];
    if (!scan.has_tables) {
        ids.insert(content::ShortId{});  // stands for all of them
        return;
    }
    for (const auto& chunk : scan.lost) {
        ids.insert(chunk.id.short_id());
    }
}

bool Verification::is_sound_place(const ChunkLocation& place, const content::ShortId& id) const {
    if (lost_.contains(place.pack)) {
        return false;
    }
    auto bad = bad_chunks_.lock();
    const auto found = bad->find(place.pack);
    return found == bad->end() ||
           (!found->second.contains(content::ShortId{}) && !found->second.contains(id));
}

bool Verification::is_stored(const content::ShortId& id, std::uint64_t bytes) const {
    const auto is_copy = [&](const ChunkLocation& place) {
        return place.length == bytes && is_sound_place(place, id);
    };
    const auto place = chunks_.find(id);
    return place && (is_copy(*place) || std::ranges::any_of(chunks_.find_all(id), is_copy));
}

std::string Verification::describe_need(const content::Digest& pack) const {
    const auto found = needed_by_.find(pack);
    if (found == needed_by_.end()) {
        return {};
    }
    const auto& need = found->second;
    const auto shown = std::min<std::size_t>(need.count, need.points.size());
    std::vector<std::string> names;
    for (std::size_t i = 0; i < shown; ++i) {
        names.push_back(name_of(points_[need.points[i]]));
    }
    auto text = ", needed by " + join(names, ", ");
    if (need.count > shown) {
        text += concat(" and ", need.count - shown, " more");
    }
    return text;
}

}  // namespace

VerifyResult verify_repository(const Repository& repository,
                               const VerifyOptions& options,
                               Progress& progress,
                               std::stop_token stop) {
    Synchronized<Checks> found;
    return Verification(repository, options, progress, std::move(stop), found).run();
}

VerifyResult verify_and_remember(const Repository& repository,
                                 VerifyOptions options,
                                 const Surroundings& surroundings) {
    options.now = surroundings.clock.now();
    options.known = load_checks(repository, [](const std::string&, const Error&) {});
    Synchronized<Checks> found;
    VerifyResult result;
    const auto failure = failure_of([&] {
        result = Verification(repository, options, surroundings.progress, surroundings.stop, found)
                     .run();
    });
    const auto checks = *found.lock();
    if (!checks.packs.empty() || !checks.points.empty()) {
        result.not_remembered = failure_of(
            [&] { remember_checks(repository, checks, options.now, surroundings.random); });
    }
    if (failure) {
        throw Error(*failure);
    }
    return result;
}

}  // namespace backup::maintenance
