// SPDX-License-Identifier: Apache-2.0
// Damage that a repair mends without loss.
#pragma once

#include "core/backend/backend.hpp"
#include "tests/support/seeded_random.hpp"

namespace backup::testing {

/// Removes a segment of the index, and flips a bit of a pack that has parity.
void lose_segment_and_flip_pack(backend::Backend& storage, SeededRandom& random);

}  // namespace backup::testing
