// SPDX-License-Identifier: Apache-2.0
// Attributes of files as Linux tells them, as entries.
#pragma once

#include "core/base/clock.hpp"
#include "core/model/file_entry.hpp"

#include <string>
#include <string_view>
#include <sys/stat.h>

namespace backup::volume {

/// Everything stat knows; no link target, no extended attributes.
model::FileEntry entry_from_stat(std::string_view name, const struct stat& status);

std::int64_t mtime_ns(const struct stat& status);
std::int64_t ctime_ns(const struct stat& status);

/// True when a further change of the file could leave the same times: it changed within the grain
/// of its file system's clock before `now`.
bool is_racy(const struct stat& status, TimePoint now);

/// Target of the link; empty when it is gone or no link any more.
std::string read_link(int directory, const std::string& name);

}  // namespace backup::volume
