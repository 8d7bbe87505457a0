// SPDX-License-Identifier: Apache-2.0
// The command line of the daemon. People use `kubectl backup mount`, which checks, finds the key
// and starts this program; it can be run by hand as well.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace backup::fuse {

struct Options {
    std::string repository;  // URL or path
    std::filesystem::path mount_point;
    std::optional<int> secret_descriptor;  // a pipe: core/repository/secret_handover
    std::optional<std::filesystem::path> key_file;
    std::optional<std::filesystem::path> passphrase_file;
    std::vector<std::string> points;      // empty: all
    std::vector<std::string> namespaces;  // empty: all
    bool in_foreground = false;
    bool allow_other = false;
    bool shows_help = false;
    std::uint64_t cache_bytes = 64U << 20U;
    std::string log;
};

/// Without the program's name. Throws Usage.
Options parse_options(std::span<const std::string> words);

std::string_view help_text();

}  // namespace backup::fuse
