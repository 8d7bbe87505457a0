// SPDX-License-Identifier: Apache-2.0
// Removes points. What only they needed stays until a prune.
#pragma once

#include "core/base/random.hpp"
#include "core/repository/repository.hpp"

#include <span>
#include <string>
#include <vector>

namespace backup::maintenance {

/// Removes the points with these ids, durably; returns those that were there. Points under hold
/// are refused (InvalidArgument naming them) before anything is removed. Works on a full disk.
std::vector<std::string> forget_points(const repository::Repository& repository,
                                       std::span<const std::string> ids,
                                       Random& random);

/// Throws as forget_points() when any of them is under hold.
void refuse_held_points(const repository::Repository& repository, std::span<const std::string> ids);

}  // namespace backup::maintenance
