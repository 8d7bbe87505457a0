// SPDX-License-Identifier: Apache-2.0
#include "plugin/cli/exit_report.hpp"

#include "tests/support/catch.hpp"

#include <stdexcept>

using namespace backup;
using namespace backup::plugin;
using backup::testing::contains;

namespace {

struct Report {
    int exit_code = 0;
    std::string text;
};

Report report(const std::function<int()>& action, const ReportStyle& style = {}) {
    Report result;
    result.exit_code = report_errors([&style] { return style; },
                                     [&result](std::string_view text) { result.text += text; },
                                     action);
    return result;
}

}  // namespace

TEST_CASE("an error is one line with its context, and a hint") {
    const auto result = report([]() -> int {
        Error error = Error(ErrorCode::Forbidden, "pods \"exec\" is forbidden").hint("ask for it");
        error.add_context("volume data-0");
        throw error;
    });
    CHECK(result.exit_code == 21);
    CHECK(result.text == "error: volume data-0: pods \"exec\" is forbidden\nhint: ask for it\n");
}

TEST_CASE("an error without a remedy has no hint") {
    CHECK(format_error(Error(ErrorCode::Io, "read x: gone"), {}) == "error: read x: gone\n");
}

TEST_CASE("hints name the program as it was started") {
    CHECK_THAT(format_error(Error(ErrorCode::NoRepository, "none at /x"), {"kubectl other"}),
               contains("'kubectl other init'"));
}

TEST_CASE("foreign text cannot move the cursor or pass for a line of ours") {
    const auto text = format_error(Error(ErrorCode::Io, "a\x1b[2Jb\nerror: c\r"), {});
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\r') == std::string::npos);
    CHECK_THAT(text, contains("\n  error: c"));
}

TEST_CASE("with -o json an error is one record on one line") {
    ReportStyle style;
    style.as_json = true;
    const auto result = report(
        []() -> int {
            Error error(ErrorCode::NoRepository, "no repository at /x");
            error.add_context("open");
            throw error;
        },
        style);
    CHECK(result.exit_code == 10);
    CHECK(result.text.find('\n') == result.text.size() - 1);
    const auto record = parse_json(result.text);
    CHECK(record.text_at({"apiVersion"}) == "kubectl-backup/v1");
    CHECK(record.text_at({"kind"}) == "Error");
    CHECK(record.text_at({"code"}) == "NoRepository");
    CHECK(record.text_at({"message"}) == "no repository at /x");
    CHECK(record.find("context")->items().size() == 1);
    CHECK(record.text_at({"hint"}) == "make one with 'kubectl backup init'");
    CHECK(record.integer_at({"exitCode"}) == 10);
}

TEST_CASE("every other exception is a bug of ours") {
    const auto standard = report([]() -> int { throw std::runtime_error("surprise"); });
    CHECK(standard.exit_code == 1);
    CHECK_THAT(standard.text, contains("error: surprise"));
    CHECK_THAT(standard.text, contains("this is a bug"));
    CHECK(report([]() -> int { throw 7; }).exit_code == 1);
    CHECK_THAT(report([]() -> int { throw std::bad_alloc(); }).text, contains("out of memory"));
}

TEST_CASE("the exit code of a run that does not throw is its own") {
    const auto result = report([] { return 3; });
    CHECK(result.exit_code == 3);
    CHECK(result.text.empty());
}

TEST_CASE("colour is for the word, not for the text") {
    ReportStyle style;
    style.colour = true;
    CHECK(format_error(Error(ErrorCode::Io, "x"), style) == "\x1b[1;31merror:\x1b[0m x\n");
}
