// SPDX-License-Identifier: Apache-2.0
#include "core/maintenance/verify.hpp"

#include "core/base/stop_on_signal.hpp"
#include "core/base/synchronized.hpp"
#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/maintenance/verify_pack.hpp"
#include "core/maintenance/verify_tree.hpp"
#include "core/repository/blob_access.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/point_store.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <utility>

namespace backup::maintenance {

using namespace repository;

namespace {

constexpr std::uint64_t kLargestList = std::uint64_t{1} << 30U;
constexpr std::size_t kPointsNamed = 3;

std::string name_of(const PointRecord& record) {
    return record.point.name.empty() ? record.point.id : record.point.name;
}

class Verification {
  public:
    Verification(const Repository& repository,
                 const VerifyOptions& options,
                 Progress& progress,
                 std::stop_token stop)
        : repository_(repository),
          options_(options),
          progress_(progress),
          stop_(std::move(stop)),
          chunks_(repository,
                  {.on_damaged_index = [this](const std::string& blob, const Error& error) {
                      add_problem(blob, error);
                  }}) {}

    VerifyResult run();

  private:
    void add_problem(const std::string& subject, const Error& error) {
        add_problem({subject, error.what(), error.code()});
    }

    void add_problem(Problem problem) { problems_.lock()->push_back(std::move(problem)); }

    /// Runs `action`; what it throws becomes a problem of `subject`.
    template <typename Action>
    void attempt(const std::string& subject, Action&& action, std::string_view suffix = {});

    void verify_slots();
    void list_packs();
    void verify_sizes();
    void load_points();
    void verify_pack_set(const PointRecord& record);
    void verify_trees();
    void verify_packs();
    void verify_pack(const IndexedPack& pack);
    bool is_in_sample(const IndexedPack& pack) const;
    bool is_stored(const content::ShortId& id) const;
    /// ", needed by a, b and 3 more": empty when no point needs it.
    std::string describe_need(const content::Digest& pack) const;

    const Repository& repository_;
    const VerifyOptions& options_;
    Progress& progress_;
    std::stop_token stop_;
    Synchronized<std::vector<Problem>> problems_;
    ChunkStore chunks_;
    std::vector<IndexedPack> indexed_;
    std::map<content::Digest, std::uint64_t> present_;
    std::set<content::Digest> lost_;
    std::vector<PointRecord> points_;
    std::map<content::Digest, std::vector<std::string>> needed_by_;
    std::atomic<std::uint64_t> packs_read_{0};
    std::atomic<std::uint64_t> bytes_read_{0};
};

template <typename Action>
void Verification::attempt(const std::string& subject, Action&& action, std::string_view suffix) {
    try {
        action();
    } catch (const Error& error) {
        if (error.code() == ErrorCode::Interrupted) {
            throw;
        }
        add_problem({subject, concat(error.what(), suffix), error.code()});
    }
}

VerifyResult Verification::run() {
    progress_.stage("points");
    verify_slots();
    list_packs();
    load_points();
    verify_sizes();
    if (options_.level != VerifyLevel::Quick) {
        verify_trees();
        progress_.stage("packs");
        verify_packs();
    }
    VerifyResult result;
    result.problems = std::move(*problems_.lock());
    result.points = points_.size();
    result.packs = indexed_.size();
    result.packs_read = packs_read_;
    result.bytes_read = bytes_read_;
    result.chunks = chunks_.chunk_count();
    return result;
}

void Verification::verify_slots() {
    std::vector<std::string> names;
    repository_.backend().list(
        kKeysFolder, [&names](const backend::BlobInfo& info) { names.push_back(info.name); });
    for (const auto& name : names) {
        attempt(name, [&] {
            const auto slot = get_blob(repository_.backend(), name, format::kSlotBytes);
            if (slot_name(slot) != name) {
                throw Error(ErrorCode::CorruptData, "it is damaged: its hash is not its name");
            }
            slot_method(slot);
        });
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
        if (!lost_.contains(pack.name)) {
            continue;
        }
        const auto found = present_.find(pack.name);
        const auto what = found == present_.end()
                              ? std::string("it is missing")
                              : concat("it has ", found->second, " bytes, not ", pack.size);
        add_problem(
            {pack_name(pack.name), what + describe_need(pack.name), ErrorCode::CorruptData});
    }
}

void Verification::load_points() {
    points_ = list_points(repository_, [this](const std::string& blob, const Error& error) {
        add_problem(blob, error);
    });
    for (const auto& record : points_) {
        throw_if_stopped(stop_);
        attempt(name_of(record), [&] { verify_pack_set(record); });
    }
}

void Verification::verify_pack_set(const PointRecord& record) {
    const auto list =
        with_context([] { return std::string("list of its packs"); },
                     [&] { return read_stream(chunks_, record.packs, kLargestList); });
    for (std::size_t at = 0; at + sizeof(content::Digest) <= list.size();
         at += sizeof(content::Digest)) {
        content::Digest name{};
        std::copy_n(list.data() + at, name.size(), name.data());
        needed_by_[name].push_back(name_of(record));
        if (!present_.contains(name)) {
            add_problem({name_of(record),
                         concat("it needs ", pack_name(name), ", which is missing"),
                         ErrorCode::CorruptData});
        }
    }
}

void Verification::verify_trees() {
    TreeVerifier trees(chunks_, [this](const content::ShortId& id) { return is_stored(id); });
    for (const auto& record : points_) {
        throw_if_stopped(stop_);
        attempt(name_of(record), [&] { read_ledger(chunks_, record); });
        for (const auto& stream : {record.pages, record.ledger, record.packs}) {
            for (const auto& [id, length] : stream) {
                if (!is_stored(id.short_id())) {
                    add_problem({name_of(record),
                                 concat("its chunk ", id.hex(), " is not stored"),
                                 ErrorCode::CorruptData});
                }
            }
        }
        std::vector<Problem> found;
        trees.verify(record, found, stop_);
        std::for_each(found.begin(), found.end(), [this](auto& problem) { add_problem(problem); });
        progress_.advance(1, 0);
    }
}

void Verification::verify_packs() {
    std::uint64_t bytes = 0;
    for (const auto& pack : indexed_) {
        bytes += is_in_sample(pack) ? pack.size : 0;
    }
    progress_.expect(indexed_.size(), bytes);
    std::atomic<std::size_t> next{0};
    TaskGroup tasks(stop_);
    for (unsigned i = 0; i < std::max(1U, options_.threads); ++i) {
        tasks.start([&](const std::stop_token& stop) {
            for (auto at = next++; at < indexed_.size(); at = next++) {
                throw_if_stopped(stop);
                verify_pack(indexed_[at]);
            }
        });
    }
    tasks.wait();
}

void Verification::verify_pack(const IndexedPack& pack) {
    if (lost_.contains(pack.name)) {
        return;
    }
    const auto name = pack_name(pack.name);
    const auto need = describe_need(pack.name);
    attempt(
        name, [&] { verify_pack_tables(repository_, chunks_, pack); }, need);
    const bool reads_all = is_in_sample(pack);
    if (reads_all) {
        attempt(
            name, [&] { verify_pack_data(repository_, pack); }, need);
        ++packs_read_;
        bytes_read_ += pack.size;
    }
    progress_.advance(1, reads_all ? pack.size : 0);
}

bool Verification::is_in_sample(const IndexedPack& pack) const {
    if (options_.level != VerifyLevel::ReadData) {
        return false;
    }
    // Names are hashes: any of their bytes are uniform, and a seed shifts the window.
    const auto number = load_le<std::uint32_t>(pack.name.data()) + options_.sample_seed;
    return number % 100 < options_.percent;
}

bool Verification::is_stored(const content::ShortId& id) const {
    const auto place = chunks_.find(id);
    if (!place) {
        return false;
    }
    if (lost_.empty() || !lost_.contains(place->pack)) {
        return true;
    }
    const auto places = chunks_.find_all(id);
    return std::any_of(places.begin(), places.end(), [this](const ChunkLocation& other) {
        return !lost_.contains(other.pack);
    });
}

std::string Verification::describe_need(const content::Digest& pack) const {
    const auto found = needed_by_.find(pack);
    if (found == needed_by_.end()) {
        return {};
    }
    const auto& names = found->second;
    const auto shown = std::min(names.size(), kPointsNamed);
    auto text = ", needed by " +
                join({names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown)}, ", ");
    if (names.size() > shown) {
        text += concat(" and ", names.size() - shown, " more");
    }
    return text;
}

}  // namespace

VerifyResult verify_repository(const Repository& repository,
                               const VerifyOptions& options,
                               Progress& progress,
                               std::stop_token stop) {
    return Verification(repository, options, progress, std::move(stop)).run();
}

}  // namespace backup::maintenance
