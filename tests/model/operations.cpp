// SPDX-License-Identifier: Apache-2.0
#include "tests/model/operations.hpp"

#include "core/base/text.hpp"
#include "core/maintenance/forget.hpp"
#include "core/maintenance/prune.hpp"
#include "core/maintenance/verify.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/hold.hpp"
#include "tests/model/write_point.hpp"

#include <algorithm>
#include <optional>
#include <set>

namespace backup::model_test {

namespace {

using namespace repository;

Blindness blindness_of_writers(const World& world) {
    Blindness blindness;
    if (world.options.mutation == Mutation::WritersIgnoreCollections) {
        blindness.unseen_folders = {"gc"};
    }
    blindness.takes_taken_names = world.options.mutation == Mutation::FencesDoNotExclude;
    return blindness;
}

Blindness blindness_of_prunes(const World& world) {
    Blindness blindness;
    if (world.options.mutation == Mutation::PrunesIgnoreSessions) {
        blindness.unseen_folders = {"sessions"};
    }
    blindness.is_late_for_points = true;
    return blindness;
}

Blindness blindness_of_forgets(const World& world) {
    Blindness blindness;
    if (world.options.mutation == Mutation::ForgetsIgnoreHolds) {
        blindness.unseen_folders = {"holds"};
    }
    if (world.options.mutation == Mutation::ForgetsIgnorePutters) {
        blindness.unseen_folders = {"completes"};
    }
    if (world.options.mutation == Mutation::ForgetsIgnoreWriters) {
        blindness.unseen_ending = "-writer";
    }
    return blindness;
}

Blindness blindness_of_holds(const World& world) {
    Blindness blindness;
    if (world.options.mutation == Mutation::HoldsIgnoreForgets) {
        blindness.unseen_folders = {"forgets"};
    }
    return blindness;
}

/// A repository as a process opens it.
struct Opened {
    Opened(Process& process, Blindness blindness)
        : backend(
              process.world.storage, process.world.schedule, process.client, std::move(blindness)),
          repository(testing::open_tiny_repository(backend, process.world.key)),
          surroundings{
              process.world.schedule.clock_of(process.client), process.bytes, progress, {}} {}

    ClientBackend backend;
    Repository repository;
    NullProgress progress;
    maintenance::Surroundings surroundings;
};

void change_files(Process& process, testing::Files& files) {
    auto& world = process.world;
    for (auto changes = 1 + process.random.below(5); changes > 0; --changes) {
        const auto name = concat("file", process.random.below(8));
        if (process.random.chance(6)) {
            files.erase(name);
        } else {
            files[name] = world.contents[process.random.below(world.contents.size())];
        }
    }
}

void remove_without_protocol(World& world, const Repository& repository) {
    std::set<content::Digest> needed;
    ChunkStore chunks(repository);
    for (const auto& record : list_points(repository)) {
        const auto list = read_stream(chunks, record.packs, 1U << 20U);
        for (std::size_t at = 0; at < list.size(); at += sizeof(content::Digest)) {
            content::Digest pack;
            std::copy_n(list.data() + at, pack.size(), pack.begin());
            needed.insert(pack);
        }
        for (const auto& [chunk, length] : record.packs) {
            needed.insert(chunks.find(chunk.short_id())->pack);
        }
    }
    std::vector<std::string> garbage;
    repository.backend().list(kPacksFolder, [&](const backend::BlobInfo& info) {
        const auto pack = find_pack_digest(info.name);
        if (pack && !needed.contains(*pack)) {
            garbage.push_back(info.name);
        }
    });
    for (const auto& name : garbage) {
        repository.backend().remove(name);
        ++world.outcome.packs_removed;
    }
}

/// A point of those that are there.
std::optional<model::RecoveryPoint> pick_point(Process& process, const Repository& repository) {
    const auto points = list_points(repository);
    return points.empty() ? std::nullopt
                          : std::optional(points[process.random.below(points.size())].point);
}

}  // namespace

void back_up(Process& process) {
    auto& world = process.world;
    auto& files = world.volumes[process.client];
    change_files(process, files);
    const auto taken = files;
    const auto name = concat("point-", process.client, "-", ++world.backups_made);
    world.oracle->expect(name, taken);
    Opened opened(process, blindness_of_writers(world));
    const auto record = write_in_order(
        opened.repository, name, taken, process.bytes, world.schedule.clock_of(process.client));
    world.oracle->committed(record.point.id, name);
    world.schedule.note(process.client, "has committed " + name);
    ++world.outcome.points_committed;
}

void forget_some(Process& process) {
    auto& world = process.world;
    Opened opened(process, blindness_of_forgets(world));
    std::vector<std::string> ids;
    for (const auto& record : list_points(opened.repository)) {
        // Held ones too, at times: that must be refused.
        const auto is_held = world.oracle->is_held(record.point.id);
        if (process.random.chance(is_held ? 12 : 3)) {
            ids.push_back(record.point.id);
        }
    }
    if (ids.empty()) {
        return;
    }
    const Oracle::ForgetAttempt attempt(*world.oracle, ids);
    const auto removed = maintenance::forget_points(opened.repository, ids, process.bytes);
    world.outcome.points_forgotten += removed.size();
    if (!attempt.may_succeed()) {
        world.fail("a point under a hold could be forgotten");
    }
}

void prune(Process& process) {
    auto& world = process.world;
    Opened opened(process, blindness_of_prunes(world));
    if (world.options.mutation == Mutation::PruneWithoutProtocol) {
        remove_without_protocol(world, opened.repository);
        return;
    }
    maintenance::PruneOptions options;
    options.allow_no_points = true;
    options.repack_below = process.random.chance(3) ? 100 : 70;
    const auto result =
        maintenance::prune_repository(opened.repository, options, opened.surroundings);
    world.outcome.packs_removed += result.packs_removed;
    if (result.lost_chunks != 0) {
        world.fail("a prune saw chunks that are lost");
    }
}

void verify(Process& process) {
    auto& world = process.world;
    Opened opened(process, {});
    maintenance::VerifyOptions options;
    options.level = process.random.chance(2) ? maintenance::VerifyLevel::Default
                                             : maintenance::VerifyLevel::ReadData;
    options.threads = 1;
    const auto result = maintenance::verify_repository(opened.repository, options, opened.progress);
    // What is removed while it runs may be missed by it; what is promised may not.
    for (const auto& problem : result.problems) {
        world.schedule.note(process.client, "verify: " + problem.subject + problem.message);
    }
}

void restore(Process& process) {
    auto& world = process.world;
    Opened opened(process, {});
    const auto points = list_points(opened.repository);
    if (points.empty()) {
        return;
    }
    const auto& record = points[process.random.below(points.size())];
    try {
        const auto files = testing::read_files(opened.repository, record);
        if (files != world.oracle->files_of(record.point.name)) {
            world.fail("a restore of " + record.point.name + " gave other bytes");
        }
    } catch (const Error& error) {
        // Forgotten while it was read, or never finished.
        if (world.oracle->is_promised(record.point.id) &&
            !world.schedule.is_killed(process.client)) {
            world.fail(concat("a restore of ", record.point.name, " failed: ", error.what()));
        }
    }
}

void hold_one(Process& process) {
    auto& world = process.world;
    Opened opened(process, blindness_of_holds(world));
    const auto point = pick_point(process, opened.repository);
    if (!point) {
        return;
    }
    if (process.random.chance(3)) {
        const Oracle::ReleaseAttempt attempt(*world.oracle, point->id);
        remove_hold(opened.repository, point->id);
        return;
    }
    Hold hold;
    hold.point = point->id;
    hold.reason = "model";
    Oracle::HoldAttempt attempt(*world.oracle, point->id);
    put_hold(opened.repository, hold, process.bytes);
    attempt.succeeded(point->name);
    ++world.outcome.points_held;
}

}  // namespace backup::model_test
