// SPDX-License-Identifier: Apache-2.0
// What a call threw: CHECK(error_code_of([&] { parse_json("["); }) == ErrorCode::InvalidArgument)
#pragma once

#include "core/base/error.hpp"

#include <optional>
#include <ostream>
#include <stdexcept>

namespace backup {

/// Shown by a failing comparison.
inline std::ostream& operator<<(std::ostream& out, ErrorCode code) {
    return out << info_of(code).name;
}

}  // namespace backup

namespace backup::testing {

/// The Error that `action` throws; when it throws none, the test fails.
template <typename Action>
Error error_of(Action&& action) {
    try {
        static_cast<void>(action());
    } catch (const Error& error) {
        return error;
    }
    throw std::logic_error("expected an Error, but the call succeeded");
}

template <typename Action>
ErrorCode error_code_of(Action&& action) {
    return error_of(action).code();
}

}  // namespace backup::testing
