// SPDX-License-Identifier: Apache-2.0
#include "plugin/output/progress_bar.hpp"

#include "core/base/error.hpp"
#include "core/base/json.hpp"
#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "plugin/output/table.hpp"

#include <algorithm>

namespace backup::plugin {

namespace {

using namespace std::chrono_literals;

std::chrono::nanoseconds pause_between(ProgressMode mode) {
    switch (mode) {
        case ProgressMode::Bar:
            return 100ms;
        case ProgressMode::Json:
            return 1s;
        default:
            return 10s;
    }
}

double seconds(std::chrono::nanoseconds duration) {
    return std::chrono::duration<double>(duration).count();
}

/// Done part of the whole, by bytes when they are known, else by items; nothing when neither is.
std::optional<double> fraction(std::uint64_t done_items,
                               std::uint64_t all_items,
                               std::uint64_t done_bytes,
                               std::uint64_t all_bytes) {
    const auto done = static_cast<double>(all_bytes > 0 ? done_bytes : done_items);
    const auto all = static_cast<double>(all_bytes > 0 ? all_bytes : all_items);
    if (all <= 0) {
        return std::nullopt;
    }
    return std::min(1.0, done / all);
}

std::string done_of(std::uint64_t done,
                    std::uint64_t expected,
                    std::string (*format)(std::uint64_t)) {
    return expected == 0 ? format(done) : concat(format(done), " of ", format(expected));
}

std::string format_count(std::uint64_t count) {
    return concat(count);
}

std::string percent(double part) {
    return concat(static_cast<int>(part * 100), "%");
}

}  // namespace

ProgressMode parse_progress_mode(std::string_view text, bool is_tty, std::string_view term) {
    if (text == "auto") {
        return is_tty && term != "dumb" && !term.empty() ? ProgressMode::Bar : ProgressMode::Plain;
    }
    if (text == "bar") {
        return ProgressMode::Bar;
    }
    if (text == "plain") {
        return ProgressMode::Plain;
    }
    if (text == "json") {
        return ProgressMode::Json;
    }
    if (text == "none") {
        return ProgressMode::None;
    }
    throw Error(ErrorCode::Usage, concat("--progress cannot be \"", printable(text), "\""));
}

ProgressBar::ProgressBar(Console& console, Clock& clock, ProgressMode mode, std::size_t columns)
    : console_(console),
      clock_(clock),
      mode_(mode),
      columns_(columns) {
    auto state = state_.lock();
    state->started = clock_.steady_now();
    state->shown = state->started;
}

ProgressBar::~ProgressBar() {
    if (mode_ == ProgressMode::Bar) {
        console_.show_progress({});
    }
}

void ProgressBar::stage(std::string_view name) {
    auto state = state_.lock();
    const auto now = clock_.steady_now();
    *state = State{printable(name), 0, 0, 0, 0, now, state->shown};
    if (mode_ == ProgressMode::Bar || mode_ == ProgressMode::Json) {
        show(*state, now);
    }
}

void ProgressBar::expect(std::uint64_t items, std::uint64_t bytes) {
    auto state = state_.lock();
    state->expected_items = items;
    state->expected_bytes = bytes;
}

void ProgressBar::advance(std::uint64_t items, std::uint64_t bytes) {
    if (mode_ == ProgressMode::None) {
        return;
    }
    auto state = state_.lock();
    state->items += items;
    state->bytes += bytes;
    const auto now = clock_.steady_now();
    if (now - state->shown >= pause_between(mode_)) {
        show(*state, now);
    }
}

void ProgressBar::note(std::string_view text) {
    if (mode_ == ProgressMode::None) {
        return;
    }
    if (mode_ == ProgressMode::Json) {
        console_.print(format_json(Json::object({{"kind", "Note"}, {"text", text}})));
        return;
    }
    console_.print(printable(text));
}

void ProgressBar::show(State& state, Instant now) {
    state.shown = now;
    switch (mode_) {
        case ProgressMode::Bar:
            console_.show_progress(bar_line(state, now));
            break;
        case ProgressMode::Plain:
            console_.print(text_line(state, now));
            break;
        case ProgressMode::Json:
            console_.print(json_line(state, now));
            break;
        case ProgressMode::None:
            break;
    }
}

std::string ProgressBar::text_line(const State& state, Instant now) const {
    std::vector<std::string> parts;
    if (state.bytes > 0 || state.expected_bytes > 0) {
        parts.push_back(done_of(state.bytes, state.expected_bytes, format_size));
    }
    if (state.items > 0 || state.expected_items > 0) {
        parts.push_back(done_of(state.items, state.expected_items, format_count) + " items");
    }
    const auto elapsed = seconds(now - state.started);
    if (state.bytes > 0 && elapsed > 0) {
        const auto rate = static_cast<double>(state.bytes) / elapsed;
        parts.push_back(format_size(static_cast<std::uint64_t>(rate)) + "/s");
    }
    const auto part =
        fraction(state.items, state.expected_items, state.bytes, state.expected_bytes);
    // Before this much is done, an estimate of the rest is noise.
    constexpr double kEnoughToJudge = 0.02;
    if (part && *part >= kEnoughToJudge && *part < 1.0 && elapsed >= 1.0) {
        const auto left = std::chrono::duration<double>(elapsed * (1.0 - *part) / *part);
        parts.push_back(format_age(std::chrono::duration_cast<std::chrono::nanoseconds>(left)) +
                        " left");
    }
    return concat(state.stage, parts.empty() ? "" : ": ", join(parts, ", "));
}

std::string ProgressBar::bar_line(const State& state, Instant now) const {
    std::string line = text_line(state, now);
    constexpr std::size_t kBar = 24;
    const auto part =
        fraction(state.items, state.expected_items, state.bytes, state.expected_bytes);
    if (part) {
        const auto filled = static_cast<std::size_t>(*part * static_cast<double>(kBar));
        std::string number = percent(*part);
        number.insert(0, 4 - std::min<std::size_t>(4, number.size()), ' ');
        line = concat("[",
                      std::string(filled, '='),
                      filled < kBar ? ">" : "",
                      std::string(kBar - filled - (filled < kBar ? 1 : 0), ' '),
                      "]",
                      number,
                      "  ",
                      line);
    }
    // A line that wraps could not be taken back.
    while (display_width(line) >= std::max<std::size_t>(columns_, 2)) {
        line.pop_back();
    }
    return line;
}

std::string ProgressBar::json_line(const State& state, Instant now) const {
    return format_json(Json::object({{"kind", "Progress"},
                                     {"stage", state.stage},
                                     {"items", state.items},
                                     {"itemsExpected", state.expected_items},
                                     {"bytes", state.bytes},
                                     {"bytesExpected", state.expected_bytes},
                                     {"seconds", seconds(now - state.started)}}));
}

}  // namespace backup::plugin
