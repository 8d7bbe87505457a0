// SPDX-License-Identifier: Apache-2.0
// What work on a repository needs beside the repository itself.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/progress.hpp"
#include "core/base/random.hpp"

#include <stop_token>

namespace backup::maintenance {

/// All must outlive the work; `random` is used by one thread.
struct Surroundings {
    Clock& clock;
    Random& random;
    Progress& progress;
    std::stop_token stop;
};

}  // namespace backup::maintenance
