// SPDX-License-Identifier: Apache-2.0
// Makes the repository of care_test.cpp: make_golden_care DIRECTORY writes DIRECTORY and
// DIRECTORY.key. For a new format version only.
#include "core/backend/directory_backend.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/progress.hpp"
#include "core/maintenance/parity_switch.hpp"
#include "core/maintenance/verify.hpp"
#include "core/repository/blob_name.hpp"
#include "core/repository/completion_name.hpp"
#include "core/repository/gc_generation.hpp"
#include "core/repository/hold.hpp"
#include "core/repository/session_store.hpp"
#include "tests/support/test_repository.hpp"

#include <iostream>

using namespace backup;
using namespace backup::repository;

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: make_golden_care DIRECTORY\n";
        return 2;
    }
    const std::string directory = argv[1];
    testing::SeededRandom random(4711);
    testing::FakeClock clock;
    NullProgress progress;
    backend::DirectoryBackend backend(directory);
    const auto key = testing::init_tiny_repository(backend, random, clock);
    write_file_atomically(directory + ".key", as_bytes(format_key_file(key)), 0644);
    const auto repository = testing::open_tiny_repository(backend, key);
    const auto files = testing::some_files(random);
    const auto record = testing::write_point(repository, "held", files, random, clock);
    const auto point = content::parse_digest(record.point.id);
    put_hold(repository, {record.point.id, "audit", "host", clock.now()}, random);
    maintenance::turn_parity_on(repository, false, {clock, random, progress, {}});
    maintenance::verify_and_remember(
        repository, {.level = maintenance::VerifyLevel::ReadData}, {clock, random, progress, {}});
    const auto generation =
        put_generation(repository, {content::sha256(as_bytes("gone"))}, clock.now(), random);
    const std::string id(32, 'a');
    backend.put(
        session_name(id),
        encode_session(
            repository, {id, "host", 7, "kubectl-backup", clock.now(), {generation.id}}, random));
    const auto blob = point_name(record.point.created, point);
    put_session_end(repository, id, {blob, backend.get(blob)}, random);
    for (const auto& name : {completion_name(point, id),
                             sleeper_name(point, id),
                             forget_notice_name(point, id),
                             tombstone_name(content::sha256(as_bytes("deleted"))),
                             lost_ticket_name(std::string(32, 'b'))}) {
        backend.put(name, {});
    }
    backend.release_reserve();
    return 0;
}
