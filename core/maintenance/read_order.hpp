// SPDX-License-Identifier: Apache-2.0
// Which packs to read in full next, and how long ago all of them were. Pure.
#pragma once

#include "core/maintenance/verify.hpp"
#include "core/repository/index_segment.hpp"

#include <set>
#include <span>

namespace backup::maintenance {

/// Those that were not read for the longest time (never: first; then by name), at least `percent`
/// of all bytes; and those that were damaged when they were last read: what is known must not be
/// forgotten by a run that did not look.
std::set<content::Digest> choose_packs_to_read(std::span<const repository::IndexedPack> packs,
                                               const Checks& known,
                                               unsigned percent);

ReadAge measure_read_age(std::span<const repository::IndexedPack> packs,
                         const Checks& known,
                         TimePoint now);

}  // namespace backup::maintenance
