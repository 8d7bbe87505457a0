// SPDX-License-Identifier: Apache-2.0
// Keeps the ledger of a run as small as every reader takes it. Pure.
#pragma once

#include "core/base/json.hpp"
#include "core/model/ledger.hpp"

#include <cstddef>

namespace backup::model {

/// What a reader takes of a ledger as JSON: docs/format.md section 7. 100 000 problems are 20 MiB.
struct LedgerBounds {
    std::size_t bytes = std::size_t{64} << 20U;
    std::size_t values = JsonLimits{}.values;
};

/// A ledger within the bounds stays as it is. Of a larger one long texts, then paths of files, then
/// records are cut, no more than is needed and the worst last; a warning tells how many records
/// went. Counters and status stay true (a status of Complete becomes Warnings with that warning).
void fit_ledger(Ledger& ledger, const LedgerBounds& bounds = {});

}  // namespace backup::model
