// SPDX-License-Identifier: Apache-2.0
// Text inside an authentic blob that cannot be read is damage, not a mistake of the caller.
#pragma once

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <string_view>
#include <utility>

namespace backup::repository {

/// The result of `parse`; its InvalidArgument becomes CorruptData of `what`.
template <typename Parse>
auto parse_stored(std::string_view what, Parse&& parse) {
    try {
        return std::forward<Parse>(parse)();
    } catch (const Error& error) {
        if (error.code() == ErrorCode::InvalidArgument) {
            throw Error(ErrorCode::CorruptData, concat(what, " is damaged: ", error.message()));
        }
        throw;
    }
}

}  // namespace backup::repository
