// SPDX-License-Identifier: Apache-2.0
#include "tests/support/temp_dir.hpp"

#include "core/base/error.hpp"

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <string>
#include <system_error>

namespace backup::testing {

TempDir::TempDir() {
    auto pattern = (std::filesystem::temp_directory_path() / "kubectl-backup-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
        throw system_error(errno, pattern);
    }
    path_ = pattern;
}

TempDir::~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path TempDir::write(std::string_view name, std::string_view content) const {
    const auto path = path_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream out(path, std::ios::binary);
    out << content;
    out.close();
    if (!out) {
        throw Error(ErrorCode::Io, path.string());
    }
    return path;
}

}  // namespace backup::testing
