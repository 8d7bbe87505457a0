// SPDX-License-Identifier: Apache-2.0
#include "core/repository/key_slots.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/test_repository.hpp"

using namespace backup;
using namespace backup::repository;
using namespace backup::testing;

TEST_CASE("key slots are added and removed, but never the last one that opens") {
    SeededRandom random;
    FakeClock clock;
    backend::MemoryBackend backend;
    Secret first;
    first.key_file = init_tiny_repository(backend, random, clock);
    const auto id = first.key_file->repository;
    const auto slots = list_key_slots(backend, id, first);
    REQUIRE(slots.size() == 1);
    CHECK(slots[0].is_used);
    CHECK(error_code_of([&] {
              return choose_slot_to_remove(backend, id, first, slots[0].id).id;
          }) == ErrorCode::InvalidArgument);

    Secret second;
    second.key_file = KeyFile{id, {}};
    random.fill(second.key_file->secret);
    CHECK(error_code_of([&] { return add_key_slot(backend, id, second, second, random); }) ==
          ErrorCode::WrongKey);
    const auto added = add_key_slot(backend, id, first, second, random);
    CHECK(open_repository(backend, second).id() == id);
    // The first key does not open the second slot: it must not take away its own one.
    CHECK(error_code_of([&] {
              return choose_slot_to_remove(backend, id, first, slots[0].id).id;
          }) == ErrorCode::InvalidArgument);
    CHECK(error_code_of([&] { return choose_slot_to_remove(backend, id, first, "zz").id; }) ==
          ErrorCode::NotFound);
    remove_key_slot(backend, choose_slot_to_remove(backend, id, second, slots[0].id.substr(0, 8)));
    CHECK(error_code_of([&] { return open_repository(backend, first).id_text(); }) ==
          ErrorCode::WrongKey);
    CHECK(list_key_slots(backend, id, second).at(0).id == added);
}
