// SPDX-License-Identifier: Apache-2.0
#include "plugin/output/progress_bar.hpp"

#include "core/base/json.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"
#include "tests/support/fake_clock.hpp"

#include <sstream>

using namespace backup;
using namespace backup::plugin;
using namespace std::chrono_literals;
using backup::testing::contains;
using backup::testing::FakeClock;

namespace {

struct Screen {
    explicit Screen(ProgressMode mode, std::size_t columns = 100)
        : bar(std::make_unique<ProgressBar>(console, clock, mode, columns)) {}

    std::ostringstream err;
    Console console{err};
    FakeClock clock;
    std::unique_ptr<ProgressBar> bar;
};

constexpr std::uint64_t kMiB = 1U << 20U;

}  // namespace

TEST_CASE("the mode is chosen by what standard error is") {
    CHECK(parse_progress_mode("auto", true, "xterm") == ProgressMode::Bar);
    CHECK(parse_progress_mode("auto", true, "dumb") == ProgressMode::Plain);
    CHECK(parse_progress_mode("auto", true, "") == ProgressMode::Plain);
    CHECK(parse_progress_mode("auto", false, "xterm") == ProgressMode::Plain);
    CHECK(parse_progress_mode("bar", false, "") == ProgressMode::Bar);
    CHECK(parse_progress_mode("none", true, "xterm") == ProgressMode::None);
    CHECK(testing::error_code_of([] { return parse_progress_mode("x", true, ""); }) ==
          ErrorCode::Usage);
}

TEST_CASE("without a terminal there is one plain line each ten seconds") {
    Screen screen(ProgressMode::Plain);
    screen.bar->stage("volume shop/data-0");
    screen.bar->expect(0, 40 * kMiB);
    for (int second = 0; second < 9; ++second) {
        screen.clock.advance(1s);
        screen.bar->advance(0, kMiB);
    }
    CHECK(screen.err.str().empty());
    screen.clock.advance(1s);
    screen.bar->advance(0, kMiB);
    CHECK(screen.err.str() == "volume shop/data-0: 10.0 MiB of 40.0 MiB, 1.0 MiB/s, 30s left\n");
    screen.bar->advance(0, kMiB);
    screen.bar.reset();
    CHECK(screen.err.str().find('\x1b') == std::string::npos);
    CHECK(screen.err.str().find("11.0") == std::string::npos);
}

TEST_CASE("on a terminal the bar is drawn ten times a second at most, and taken away") {
    Screen screen(ProgressMode::Bar);
    screen.bar->stage("objects");
    screen.bar->expect(10, 0);
    screen.bar->advance(1, 0);
    CHECK(screen.err.str() == "\r\x1b[Kobjects");
    screen.clock.advance(2s);
    screen.bar->advance(4, 0);
    CHECK_THAT(screen.err.str(),
               contains("[============>           ] 50%  objects: 5 of 10 items, 2s left"));
    screen.bar.reset();
    CHECK(screen.err.str().ends_with("\r\x1b[K"));
}

TEST_CASE("the bar is never wider than the terminal") {
    Screen screen(ProgressMode::Bar, 40);
    screen.bar->stage("volume a-very-long-namespace/with-a-very-long-name");
    screen.bar->expect(0, 40 * kMiB);
    screen.clock.advance(2s);
    screen.bar->advance(0, kMiB);
    const auto text = screen.err.str();
    CHECK(text.size() - text.rfind("\x1b[K") - 3 < 40);
}

TEST_CASE("more than expected is not more than all") {
    Screen screen(ProgressMode::Bar);
    screen.bar->expect(1, 0);
    screen.clock.advance(2s);
    screen.bar->advance(5, 0);
    CHECK_THAT(screen.err.str(), contains("100%"));
}

TEST_CASE("programs read JSON lines") {
    Screen screen(ProgressMode::Json);
    screen.bar->stage("objects");
    screen.bar->note("starting mover pod");
    screen.clock.advance(1500ms);
    screen.bar->advance(3, 4);
    std::istringstream lines(screen.err.str());
    std::string line;
    std::vector<Json> records;
    while (std::getline(lines, line)) {
        records.push_back(parse_json(line));
    }
    REQUIRE(records.size() == 3);
    CHECK(records[0].text_at({"kind"}) == "Progress");
    CHECK(records[1].text_at({"text"}) == "starting mover pod");
    CHECK(records[2].integer_at({"items"}) == 3);
    CHECK(records[2].integer_at({"bytes"}) == 4);
    CHECK(records[2].text_at({"stage"}) == "objects");
}

TEST_CASE("none is silence") {
    Screen screen(ProgressMode::None);
    screen.bar->stage("objects");
    screen.bar->note("x");
    screen.clock.advance(60s);
    screen.bar->advance(1, 1);
    screen.bar.reset();
    CHECK(screen.err.str().empty());
}

TEST_CASE("notes are lines, made harmless") {
    Screen screen(ProgressMode::Plain);
    screen.bar->note("starting\x1b[2J");
    CHECK(screen.err.str().find('\x1b') == std::string::npos);
    CHECK(screen.err.str().ends_with("\n"));
}
