// SPDX-License-Identifier: Apache-2.0
// The recovery point, and the place in it, that a person means.
#pragma once

#include "core/base/clock.hpp"
#include "core/repository/point_store.hpp"
#include "core/view/node.hpp"
#include "plugin/cli/point_argument.hpp"

#include <string_view>

namespace backup::plugin {

struct OpenedRepository;

/// As view::resolve_point. A damaged point is as if it were not there, but when no point can be
/// read the damage is thrown.
repository::PointRecord find_point(const OpenedRepository& repository,
                                   std::string_view text,
                                   Clock& clock);

struct PlaceInPoint {
    repository::PointRecord record;
    PathArgument argument;
    view::NodePointer node;
};

/// The node that "POINT:PATH" names; throws PointNotFound, PathNotFound with "did you mean".
PlaceInPoint find_place(OpenedRepository& repository, std::string_view text, Clock& clock);

}  // namespace backup::plugin
