// SPDX-License-Identifier: Apache-2.0
// The points that a destroying verb was told to work on: nothing ambiguous is taken.
#pragma once

#include "core/base/clock.hpp"
#include "core/model/recovery_point.hpp"
#include "core/repository/repository.hpp"

#include <span>
#include <string>
#include <vector>

namespace backup::plugin {

struct ChosenPoint {
    std::string id;
    std::string name;  // empty: it cannot be read
};

/// Each point once, in the order given. As view::resolve_point, but a name that several points have
/// is refused (InvalidArgument with their ids), and a point that cannot be read is found by its id.
std::vector<ChosenPoint> choose_points(const repository::Repository& repository,
                                       std::span<const std::string> texts,
                                       TimePoint now);

/// What people are told: its name, or the beginning of its id.
std::string label_of(const ChosenPoint& point);

}  // namespace backup::plugin
