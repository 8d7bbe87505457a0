// SPDX-License-Identifier: Apache-2.0
// Whether a disk has room for what a restore is about to write, asked before it writes anything.
#pragma once

#include "core/view/node.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>

namespace backup::restore {

/// What is free for us where `target` is, or would be made. Empty where nobody can tell how much
/// fits: file systems that compress, those of a server, those of a program.
std::optional<std::uint64_t> find_free_bytes(const std::filesystem::path& target);

/// Throws NoSpace when the content of the file or directory takes more than `free_bytes`. Holes
/// take nothing, a file with several names counts once, and what `target` has under the same name
/// gives its room back. It goes through the tree only when its point as a whole would not fit.
void check_room(const view::NodePointer& node,
                const std::filesystem::path& target,
                std::uint64_t free_bytes,
                const std::stop_token& stop);

/// Both together.
void check_room(const view::NodePointer& node,
                const std::filesystem::path& target,
                const std::stop_token& stop);

}  // namespace backup::restore
