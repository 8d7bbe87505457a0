// SPDX-License-Identifier: Apache-2.0
#include "tests/fault/verbs_scene.hpp"

#include "core/base/task_group.hpp"
#include "core/base/text.hpp"
#include "core/maintenance/forget.hpp"
#include "core/maintenance/prune.hpp"
#include "core/maintenance/repair.hpp"
#include "core/maintenance/verify.hpp"
#include "core/repository/blob_name.hpp"
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

void VerbsScene::forget(backend::Backend& storage, const std::string& name) {
    needed.erase(name);
    const auto repository = open_tiny_repository(storage, key);
    std::vector<std::string> ids;
    for (const auto& record : list_points(repository)) {
        if (record.point.name == name) {
            ids.push_back(record.point.id);
        }
    }
    maintenance::forget_points(repository, ids);
}

void VerbsScene::prune(backend::Backend& storage) {
    const auto repository = open_tiny_repository(storage, key);
    NullProgress progress;
    maintenance::prune_repository(repository, {}, {clock, random, progress, {}});
}

void VerbsScene::repair(backend::Backend& storage) {
    const auto repository = open_tiny_repository(storage, key);
    NullProgress progress;
    maintenance::repair_repository(repository, {.read_data = true}, {clock, random, progress, {}});
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
    std::string text;
    for (const auto& problem :
         maintenance::verify_repository(repository, options, progress).problems) {
        // A run that a prune took for dead may have indexed packs that are gone; a point that needs
        // one is named with it.
        if (problem.message != "it is missing") {
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
    };
}

}  // namespace backup::testing
