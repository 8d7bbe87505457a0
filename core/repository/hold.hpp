// SPDX-License-Identifier: Apache-2.0
// Holds: a point that is under one is neither forgotten nor deleted (docs/format.md section 9).
#pragma once

#include "core/repository/repository.hpp"

#include <string>
#include <vector>

namespace backup::repository {

struct Hold {
    std::string point;  // id
    std::string reason;
    std::string host;
    TimePoint made;
};

/// Once it returns the point is there, durably, and no forget removes it until remove_hold(). Only
/// a run that slept for hours at the put of its own point, while its ticket decayed and packs of
/// the point were removed or copied, takes the point back, and fails (docs/format.md 9). A point
/// that is held already stays so, with its first reason. Throws PointNotFound when there is no such
/// point any more; then nothing stays behind. Throws Incomplete when a forget of the point had
/// begun before and has not ended: the hold is there then, but may have come too late.
void put_hold(const Repository& repository, const Hold& hold, Random& random);

/// A missing hold is fine.
void remove_hold(const Repository& repository, const std::string& point);

/// The ids of the points that are held, sorted: what destroying work has to know. A hold that
/// cannot be read holds all the same.
std::vector<std::string> list_held_points(const Repository& repository);

/// With what each record says; one that cannot be read is there, too, with the reason "(damaged)"
/// or
/// "(cannot be read)".
std::vector<Hold> list_holds(const Repository& repository);

Hold decode_hold(const Repository& repository, ByteView blob, const std::string& point);

}  // namespace backup::repository
