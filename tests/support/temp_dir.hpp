// SPDX-License-Identifier: Apache-2.0
// A fresh directory that goes away with its object.
#pragma once

#include <filesystem>
#include <string_view>

namespace backup::testing {

class TempDir {
  public:
    TempDir();
    ~TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    const std::filesystem::path& path() const { return path_; }

    std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

    /// Writes a file below it, with the directories it needs; returns its path.
    std::filesystem::path write(std::string_view name, std::string_view content) const;

  private:
    std::filesystem::path path_;
};

}  // namespace backup::testing
