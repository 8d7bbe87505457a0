// SPDX-License-Identifier: Apache-2.0
// Looks at the small blobs of a repository: key slots, holds and the points they hold, sessions,
// what verify remembers. Each is read in full.
#pragma once

#include "core/base/error.hpp"
#include "core/repository/repository.hpp"

#include <functional>
#include <string>

namespace backup::maintenance {

using OnProblem = std::function<void(const std::string& blob, const Error& error)>;

/// `on_problem` is told of each that is damaged, and of a hold whose point is not there;
/// `on_warning` of damaged sessions: no point that was promised needs them. Throws Interrupted, or
/// when a list cannot be had.
void verify_records(const repository::Repository& repository,
                    const OnProblem& on_problem,
                    const OnProblem& on_warning);

}  // namespace backup::maintenance
