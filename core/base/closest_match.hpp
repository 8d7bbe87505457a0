// SPDX-License-Identifier: Apache-2.0
// "did you mean": the known word nearest to an unknown one.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace backup {

/// Nearest by edit distance (transposition counts one); empty when nothing is near enough.
std::optional<std::string> closest_match(std::string_view word, std::span<const std::string> known);

/// "did you mean 'list'?" or empty.
std::string did_you_mean(std::string_view word, std::span<const std::string> known);

}  // namespace backup
