// SPDX-License-Identifier: Apache-2.0
#include "core/base/log.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

#include <vector>

using namespace backup;

namespace {

struct Recorder {
    std::vector<std::string> lines;
    Log log{[this](std::string_view line) { lines.emplace_back(line); }};
};

}  // namespace

TEST_CASE("warnings are shown and details are not, unless asked for") {
    Recorder recorder;
    recorder.log.warn("kube", "slow");
    recorder.log.info("kube", "hidden");
    CHECK(recorder.lines == std::vector<std::string>{"warn kube: slow"});
}

TEST_CASE("each layer has its level") {
    Recorder recorder;
    recorder.log.configure("info, repository=trace ,kube=error");
    CHECK(recorder.log.is_enabled("net", LogLevel::Info));
    CHECK_FALSE(recorder.log.is_enabled("net", LogLevel::Debug));
    CHECK(recorder.log.is_enabled("repository", LogLevel::Trace));
    CHECK_FALSE(recorder.log.is_enabled("kube", LogLevel::Warn));
    CHECK(recorder.log.is_enabled("kube", LogLevel::Error));
}

TEST_CASE("an unknown level is wrong usage, with a suggestion") {
    Recorder recorder;
    const auto error = backup::testing::error_of([&] {
        recorder.log.configure("kube=debgu");
        return 0;
    });
    CHECK(error.code() == ErrorCode::Usage);
    CHECK(error.hint() == "did you mean 'debug'?");
    const auto far = backup::testing::error_of([&] {
        recorder.log.configure("xyzzy");
        return 0;
    });
    CHECK_THAT(std::string(far.hint()), backup::testing::contains("error, warn, info"));
}

TEST_CASE("an unknown layer is wrong usage, with a suggestion") {
    Recorder recorder;
    const auto error = backup::testing::error_of([&] {
        recorder.log.configure("reposiory=debug");
        return 0;
    });
    CHECK(error.code() == ErrorCode::Usage);
    CHECK(error.hint() == "did you mean 'repository'?");
}

TEST_CASE("a record is one line, whatever it tells") {
    Recorder recorder;
    recorder.log.warn("net", "two\nlines \x1b[31m");
    CHECK(recorder.lines == std::vector<std::string>{"warn net: two\\nlines \\x1b[31m"});
}

TEST_CASE("the silent log drops everything") {
    CHECK_FALSE(Log::silent().is_enabled("base", LogLevel::Error));
    Log::silent().write("base", LogLevel::Error, "nobody sees this");
}
