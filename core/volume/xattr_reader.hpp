// SPDX-License-Identifier: Apache-2.0
// Reads extended attributes of files below an open directory. Knows nothing of walking.
#pragma once

#include "core/model/file_entry.hpp"

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace backup::volume {

/// Names an entry by its directory and name, never follows a link, whatever happens to the
/// directories above it: by listxattrat(2) and getxattrat(2) of Linux 6.13, and through
/// /proc/self/fd where these are missing or forbidden. Used by one thread.
class XattrReader {
  public:
    /// Fills entry.xattrs, sorted. Returns the reason when they cannot be read; a file system
    /// without them has none, nor has a file that is gone.
    std::string read(int directory, const char* name, model::FileEntry& entry);

  private:
    ssize_t list(int directory, const char* name);
    std::optional<std::string> find_value(int directory, const char* name, const char* attribute);
    const char* path_of(int directory, const char* name);

    bool has_calls_ = true;
    std::vector<char> names_;
    std::string path_;
};

}  // namespace backup::volume
