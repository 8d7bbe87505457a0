// SPDX-License-Identifier: Apache-2.0
// Random JSON values made of what goes wrong: words that YAML takes for something else, odd
// numbers, control characters, white space at the ends of lines.
#pragma once

#include "core/base/json.hpp"
#include "tests/support/seeded_random.hpp"

#include <string>

namespace backup::testing {

std::string random_text(SeededRandom& random);

/// At most `depth` levels of arrays and objects, with different names in each object.
Json random_json(SeededRandom& random, int depth = 4);

}  // namespace backup::testing
