// SPDX-License-Identifier: Apache-2.0
// Time: the only place that reads the system clock, and RFC 3339 text.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace backup {

using TimePoint = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

class Clock {
  public:
    virtual ~Clock() = default;
    virtual TimePoint now() = 0;
    /// Monotonic, for durations and deadlines.
    virtual std::chrono::steady_clock::time_point steady_now() = 0;
};

class SystemClock : public Clock {
  public:
    TimePoint now() override;
    std::chrono::steady_clock::time_point steady_now() override;
};

/// "2026-11-20T10:00:00Z"; always UTC.
std::string format_rfc3339(TimePoint time);

/// With the fraction of the second where it has one: "2026-11-20T10:00:00.25Z". Loses nothing.
std::string format_rfc3339_exact(TimePoint time);

/// Reads RFC 3339, also with fraction and offset, also "2026-11-20T10:00Z" and "2026-11-20" (UTC);
/// throws InvalidArgument otherwise.
TimePoint parse_rfc3339(std::string_view text);

/// "20261120T100000Z": sorts as text, fits in a file name.
std::string format_compact(TimePoint time);

}  // namespace backup
