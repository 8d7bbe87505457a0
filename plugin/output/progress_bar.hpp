// SPDX-License-Identifier: Apache-2.0
// Progress of long work on standard error: a bar on a terminal, a plain line every ten seconds
// elsewhere, JSON lines for programs, or nothing.
#pragma once

#include "core/base/clock.hpp"
#include "core/base/progress.hpp"
#include "core/base/synchronized.hpp"
#include "plugin/output/console.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace backup::plugin {

enum class ProgressMode { Bar, Plain, Json, None };

/// "auto" is Bar on a terminal that can move its cursor, else Plain; throws Usage.
ProgressMode parse_progress_mode(std::string_view text, bool is_tty, std::string_view term);

class ProgressBar : public Progress {
  public:
    /// `columns`: width of the terminal.
    ProgressBar(Console& console, Clock& clock, ProgressMode mode, std::size_t columns);
    /// Takes the bar away.
    ~ProgressBar() override;
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

    void stage(std::string_view name) override;
    void expect(std::uint64_t items, std::uint64_t bytes) override;
    void advance(std::uint64_t items, std::uint64_t bytes) override;
    void note(std::string_view text) override;

  private:
    using Instant = std::chrono::steady_clock::time_point;

    struct State {
        std::string stage;
        std::uint64_t items = 0;
        std::uint64_t bytes = 0;
        std::uint64_t expected_items = 0;  // 0: unknown
        std::uint64_t expected_bytes = 0;
        Instant started{};
        Instant shown{};
    };

    void show(State& state, Instant now);
    std::string text_line(const State& state, Instant now) const;
    std::string bar_line(const State& state, Instant now) const;
    std::string json_line(const State& state, Instant now) const;

    Console& console_;
    Clock& clock_;
    ProgressMode mode_;
    std::size_t columns_;
    Synchronized<State> state_;
};

}  // namespace backup::plugin
