// SPDX-License-Identifier: Apache-2.0
// A small repository whose points are written, forgotten and pruned, and the proof that all the
// others are whole.
#pragma once

#include "core/maintenance/forget.hpp"
#include "core/maintenance/prune.hpp"
#include "core/maintenance/verify.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/faulty_backend.hpp"
#include "tests/support/test_repository.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace backup::testing {

/// Several files of dense content, so that each point has packs of its own.
inline Files dense_files(SeededRandom& random, std::size_t count = 8) {
    Files files;
    for (std::size_t i = 0; i < count; ++i) {
        files.emplace("file" + std::to_string(100 + i), random.bytes(20'000));
    }
    return files;
}

struct PruneWorld {
    SeededRandom random{11};
    FakeClock clock;
    FaultyBackend backend{&clock};
    repository::KeyFile key = init_tiny_repository(backend, random, clock);
    repository::Repository repository = open_tiny_repository(backend, key);
    std::map<std::string, std::pair<repository::PointRecord, Files>> points;
    NullProgress progress;

    repository::PointRecord write(const std::string& name, const Files& files) {
        clock.advance(std::chrono::seconds(1));
        auto record = write_point(repository, name, files, random, clock);
        points.emplace(name, std::pair(record, files));
        return record;
    }

    void forget(const std::string& name) {
        const std::vector<std::string> ids{points.at(name).first.point.id};
        REQUIRE(maintenance::forget_points(repository, ids, random) == ids);
        points.erase(name);
    }

    maintenance::PruneResult prune(const maintenance::PruneOptions& options = {}) {
        return maintenance::prune_repository(repository, options, {clock, random, progress, {}});
    }

    std::vector<std::string> list(std::string_view folder) {
        std::vector<std::string> names;
        backend.list(folder, [&names](const auto& info) { names.push_back(info.name); });
        std::sort(names.begin(), names.end());
        return names;
    }

    std::vector<std::string> list_all() {
        std::vector<std::string> names;
        for (const auto* folder : {"packs", "index", "points", "sessions", "gc", "holds"}) {
            const auto some = list(folder);
            names.insert(names.end(), some.begin(), some.end());
        }
        return names;
    }

    /// Every point reads as it was written, and nothing else is amiss.
    void check() {
        CHECK(list("points").size() == points.size());
        for (const auto& [name, point] : points) {
            INFO(name);
            CHECK(read_files(repository, point.first) == point.second);
        }
        const auto problems =
            maintenance::verify_repository(
                repository, {.level = maintenance::VerifyLevel::ReadData}, progress)
                .problems;
        for (const auto& problem : problems) {
            UNSCOPED_INFO(problem.subject << ": " << problem.message);
        }
        CHECK(problems.empty());
    }
};

}  // namespace backup::testing
