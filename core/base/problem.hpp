// SPDX-License-Identifier: Apache-2.0
// A part of the work that could not be done while the rest went on: data, not an exception.
// Problems end in the ledger, are printed at the end and make the exit code 3.
#pragma once

#include "core/base/error.hpp"

#include <string>
#include <vector>

namespace backup {

struct Problem {
    std::string subject;  // what it is about: "secrets in shop", "/var/lib/data/x"
    std::string message;
    ErrorCode code = ErrorCode::Incomplete;

    bool operator==(const Problem&) const = default;
};

}  // namespace backup
