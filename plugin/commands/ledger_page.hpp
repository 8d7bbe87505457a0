// SPDX-License-Identifier: Apache-2.0
// A ledger as people read it: what is wrong and what mends it first, then what is protected.
#pragma once

#include "core/model/ledger.hpp"
#include "plugin/output/page.hpp"

#include <string>

namespace backup::plugin {

/// "3 of 4 claims with data, 1 left out; 1 list failed"; empty when there is nothing to count.
std::string verdict_of(const model::Ledger& ledger);

/// Without -o wide long parts are cut and say so.
void print_ledger(Page& page, const model::Ledger& ledger);

}  // namespace backup::plugin
