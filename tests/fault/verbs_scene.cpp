// SPDX-License-Identifier: Apache-2.0
#include "tests/fault/verbs_scene.hpp"

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/maintenance/forget.hpp"
#include "core/maintenance/prune.hpp"
#include "core/maintenance/repair.hpp"
#include "core/maintenance/verify.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/hold.hpp"
#include "tests/fault/repairable_damage.hpp"

namespace backup::testing {

using namespace repository;

VerbsScene::VerbsScene(std::uint64_t seed) : random(seed) {
    key = init_tiny_repository(backend, random, clock);
    const auto shared = random.bytes(12'000);
    const auto of_first = random.bytes(12'000);
    files_of["first"] = {{"shared", shared}, {"own", of_first}};
    files_of["second"] = {{"shared", shared}, {"own", random.bytes(9'000)}};
    files_of["third"] = {{"shared", shared}, {"own", random.bytes(9'000)}};
    for (const auto* name : {"first", "second", "third"}) {
        back_up(backend, name);
    }
    // What a prune would take away is wanted again.
    for (const auto* name : {"new", "newer", "next"}) {
        files_of[name] = {{"again", of_first}, {"shared", shared}, {"own", random.bytes(5'000)}};
    }
    forget(backend, "first");
    backend.count_from_zero();
}

void VerbsScene::back_up(backend::Backend& storage, const std::string& name) {
    clock.advance(std::chrono::minutes(1));
    const auto repository = open_tiny_repository(storage, key);
    write_point(repository, name, files_of.at(name), random, clock);
    needed.insert(name);
}

std::vector<std::string> VerbsScene::ids_of(const repository::Repository& repository,
                                            const std::string& name) const {
    std::vector<std::string> ids;
    for (const auto& record : list_points(repository)) {
        if (record.point.name == name) {
            ids.push_back(record.point.id);
        }
    }
    return ids;
}

void VerbsScene::forget(backend::Backend& storage, const std::string& name) {
    const bool was_needed = needed.erase(name) != 0;
    const auto repository = open_tiny_repository(storage, key);
    const auto failure = failure_of(
        [&] { maintenance::forget_points(repository, ids_of(repository, name), random); });
    if (failure && failure->code() == ErrorCode::InvalidArgument && was_needed) {
        // It was refused, before anything was removed.
        needed.insert(name);
    }
    if (failure) {
        throw Error(*failure);
    }
}

void VerbsScene::hold(backend::Backend& storage, const std::string& name) {
    const auto repository = open_tiny_repository(storage, key);
    for (const auto& id : ids_of(repository, name)) {
        put_hold(repository, {id, "scene", "", clock.now()}, random);
        needed.insert(name);
    }
}

void VerbsScene::prune(backend::Backend& storage) {
    const auto repository = open_tiny_repository(storage, key);
    NullProgress progress;
    maintenance::prune_repository(repository, {}, {clock, random, progress, {}});
}

void VerbsScene::repair(backend::Backend& storage) {
    const auto repository = open_tiny_repository(storage, key);
    NullProgress progress;
    const auto result = maintenance::repair_repository(
        repository, {.read_data = true}, {clock, random, progress, {}});
    for (const auto& problem : result.lost) {
        if (needed.contains(problem.subject.substr(0, problem.subject.find(':')))) {
            false_losses += concat("repair: ", problem.subject, ": ", problem.message, "\n");
        }
    }
}

void VerbsScene::damage() {
    auto& storage = backend.blobs();
    lose_segment_and_flip_pack(storage, random);
}

std::string VerbsScene::find_loss() {
    std::string loss;
    const auto failure = failure_of([&] { loss = look(); });
    return failure ? concat("it throws: ", failure->what()) : loss;
}

std::string VerbsScene::look() {
    auto missing = needed;
    const auto repository = open_tiny_repository(backend.blobs(), key);
    for (const auto& record : list_points(repository)) {
        if (read_files(repository, record) != files_of.at(record.point.name)) {
            return concat("point ", record.point.name, " holds other bytes");
        }
        missing.erase(record.point.name);
    }
    if (!missing.empty()) {
        return concat("point ", *missing.begin(), " is lost");
    }
    NullProgress progress;
    const maintenance::VerifyOptions options{.level = maintenance::VerifyLevel::ReadData,
                                             .threads = 1};
    std::string text = false_losses;
    for (const auto& problem :
         maintenance::verify_repository(repository, options, progress).problems) {
        // A run that a prune took for dead may have indexed packs that are gone; a point that needs
        // one is named with it.
        // A hold that came too late is no promise.
        if (problem.message != "it is missing" && !problem.subject.starts_with(kHoldsFolder)) {
            text += concat(problem.subject, ": ", problem.message, "\n");
        }
    }
    return text;
}

std::vector<Verb> all_verbs() {
    return {
        {"backup", [](VerbsScene& scene, backend::Backend& to) { scene.back_up(to, "new"); }},
        {"forget", [](VerbsScene& scene, backend::Backend& to) { scene.forget(to, "second"); }},
        {"prune", [](VerbsScene& scene, backend::Backend& to) { scene.prune(to); }},
        {"hold", [](VerbsScene& scene, backend::Backend& to) { scene.hold(to, "second"); }},
        {"repair", [](VerbsScene& scene, backend::Backend& to) { scene.repair(to); }},
    };
}

}  // namespace backup::testing
