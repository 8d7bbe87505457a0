// SPDX-License-Identifier: Apache-2.0
#include "tests/contract/backend_contract.hpp"

#include "core/backend/directory_backend.hpp"
#include "core/backend/memory_backend.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/faulty_backend.hpp"
#include "tests/support/temp_dir.hpp"

#include <string>

using namespace backup;
using namespace backup::testing;

TEST_CASE("the memory backend") {
    check_backend_contract([] { return std::make_unique<backend::MemoryBackend>(); });
}

TEST_CASE("the directory backend") {
    const TempDir directory;
    int number = 0;
    check_backend_contract([&] {
        return std::make_unique<backend::DirectoryBackend>(
            directory / ("nested/repository" + std::to_string(++number)));
    });
}

TEST_CASE("the faulty backend, as long as nothing fails") {
    check_backend_contract([] { return std::make_unique<FaultyBackend>(); });
}
