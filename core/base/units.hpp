// SPDX-License-Identifier: Apache-2.0
// Numbers as people read and write them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace backup {

/// "4.2 GiB", "17 B".
std::string format_size(std::uint64_t bytes);

/// "64MiB", "1g", "512": binary multiples; throws InvalidArgument.
std::uint64_t parse_size(std::string_view text);

/// An age as kubectl prints it: "119s", "9m5s", "3h2m", "47h", "7d23h", "729d".
/// Source: k8s.io/apimachinery pkg/util/duration HumanDuration.
std::string format_age(std::chrono::nanoseconds age);

/// Go duration ("1h30m", "250ms"), a bare integer is seconds, "7d" is days; throws InvalidArgument.
std::chrono::nanoseconds parse_duration(std::string_view text);

}  // namespace backup
