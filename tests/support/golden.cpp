// SPDX-License-Identifier: Apache-2.0
#include "tests/support/golden.hpp"

#include "core/base/bytes.hpp"
#include "core/base/file_descriptor.hpp"
#include "tests/support/catch.hpp"

#include <cstdlib>
#include <filesystem>
#include <string>

namespace backup::testing {

void check_golden(std::string_view name, std::string_view actual) {
    const auto path = std::filesystem::path(BACKUP_GOLDEN_DIR) / name;
    const char* accept = std::getenv("BACKUP_ACCEPT");
    if (accept != nullptr && std::string_view(accept) == "1") {
        std::filesystem::create_directories(path.parent_path());
        write_file_atomically(path, as_bytes(actual), 0644);
        SUCCEED("written");
        return;
    }
    std::string expected;
    if (std::filesystem::exists(path)) {
        expected = as_text(read_file(path));
    }
    INFO("golden file " << path << "; BACKUP_ACCEPT=1 takes the new text over");
    CHECK(std::string(actual) == expected);
}

}  // namespace backup::testing
