// SPDX-License-Identifier: Apache-2.0
// The test framework, in version 2 (Debian 12) or 3 (Debian 13). The only file that knows which.
#pragma once

#include <string>

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif

namespace backup::testing {

/// CHECK_THAT(text, contains("part"))
inline auto contains(const std::string& part) {
#if __has_include(<catch2/catch_all.hpp>)
    return Catch::Matchers::ContainsSubstring(part);
#else
    return Catch::Matchers::Contains(part);
#endif
}

inline auto starts_with(const std::string& part) {
    return Catch::Matchers::StartsWith(part);
}

}  // namespace backup::testing
