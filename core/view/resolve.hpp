// SPDX-License-Identifier: Apache-2.0
// What a person calls a point -> the point.
#pragma once

#include "core/base/clock.hpp"
#include "core/repository/point_store.hpp"

#include <span>
#include <string_view>

namespace backup::view {

/// `text`: a name, a unique prefix of an id (4 letters or more), "latest", "latest~2", "latest:NS",
/// "latest:NS~2" (newest that hold that namespace), "@2026-11-20T10:00Z" or "@2h" (newest not
/// after). `points` oldest first; of several with one name the newest is meant. Throws
/// PointNotFound with "did you mean", InvalidArgument when the text is none of these or an id
/// prefix is not unique.
const repository::PointRecord& resolve_point(std::span<const repository::PointRecord> points,
                                             std::string_view text,
                                             TimePoint now);

}  // namespace backup::view
