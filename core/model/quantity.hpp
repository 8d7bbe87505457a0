// SPDX-License-Identifier: Apache-2.0
// Sizes as Kubernetes writes them: "10Gi" is binary, "10G" decimal, "1e9", "1.5Ti", "100m".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace backup::model {

/// Whole bytes, rounded up. Empty for what is no quantity, is negative or has no place in 64 bits.
/// Source: k8s.io/apimachinery pkg/api/resource Quantity.
std::optional<std::uint64_t> find_quantity(std::string_view text);

/// The same; throws InvalidArgument.
std::uint64_t parse_quantity(std::string_view text);

}  // namespace backup::model
