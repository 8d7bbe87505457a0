// SPDX-License-Identifier: Apache-2.0
#include "core/model/severity.hpp"

#include "core/base/error.hpp"
#include "core/base/task_group.hpp"
#include "core/model/skip_reason.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

#include <algorithm>

using namespace backup;
using namespace backup::model;
using namespace backup::testing;

namespace {

/// Everybody who says so has decided not to want the data.
bool leaves_out(SkipReason reason) {
    return reason == SkipReason::NeverStored || reason == SkipReason::ExcludedByUser ||
           reason == SkipReason::ExcludedByMark || reason == SkipReason::ExcludedByPolicy;
}

template <typename Action>
std::string hint_of(Action&& action) {
    return std::string(error_of(std::forward<Action>(action)).hint());
}

}  // namespace

TEST_CASE("every reason has a word of its own and is found by it") {
    std::vector<std::string> words;
    for (const auto reason : all_skip_reasons()) {
        words.emplace_back(to_text(reason));
        CHECK(skip_reason_from_text(to_text(reason)) == reason);
    }
    std::sort(words.begin(), words.end());
    CHECK(std::unique(words.begin(), words.end()) == words.end());
    CHECK(to_text(SkipReason::Unbound) == "Unbound");
    CHECK(to_text(SkipReason::ApiUnavailable) == "ApiUnavailable");
    CHECK(skip_reason_from_text("None") == SkipReason::None);
    CHECK(skip_reason_from_text("Later") == SkipReason::Other);
}

TEST_CASE("severities are words") {
    for (const auto severity :
         {Severity::Ok, Severity::Warning, Severity::Incomplete, Severity::Failed}) {
        CHECK(severity_from_text(to_text(severity)) == severity);
    }
    CHECK(severity_from_text("Warning") == Severity::Warning);
    CHECK(error_code_of([] { return severity_from_text("fatal"); }) == ErrorCode::InvalidArgument);
}

TEST_CASE("a claim whose data was wanted is never green, whatever a policy says") {
    SeverityRules rules;
    for (const auto reason : all_skip_reasons()) {
        const auto word = std::string(to_text(reason));
        INFO(word);
        CHECK((rules.of(word, Judged::Claim) == Severity::Ok) == leaves_out(reason));
        SeverityRules lenient;
        // Refused for some, without effect on claims for the others.
        static_cast<void>(failure_of([&] { lenient.set(word, Severity::Ok); }));
        CHECK((lenient.of(word, Judged::Claim) == Severity::Ok) ==
              (leaves_out(reason) || reason == SkipReason::OnlyWhenNamed));
    }
    CHECK(error_code_of([&] { rules.set("unbound", Severity::Ok); }) == ErrorCode::InvalidArgument);
    CHECK_THAT(hint_of([&] { rules.set("unbound", Severity::Ok); }), contains("action: skip"));
    rules.set("unbound", Severity::Warning);
    CHECK(rules.of("Unbound", Judged::Claim) == Severity::Warning);
}

TEST_CASE("the defaults: losses are Incomplete, doubts are warnings") {
    const SeverityRules rules;
    for (const auto* word : {"Forbidden", "QuotaExceeded", "TimedOut", "HookFailed", "Problem"}) {
        CHECK(rules.of(word) == Severity::Incomplete);
    }
    for (const auto* word : {"FilesChanged", "ListInconsistent", "HookIgnored", "Warning"}) {
        CHECK(rules.of(word) == Severity::Warning);
    }
    for (const auto* word : {"NeverStored", "Terminating", "DeletedMeanwhile", "CrashConsistent"}) {
        CHECK(rules.of(word) == Severity::Ok);
    }
    CHECK(rules.of("Unbound", Judged::Claim) == Severity::Warning);
    CHECK(rules.of("InUse", Judged::Claim) == Severity::Incomplete);
}

TEST_CASE("the severities of a policy") {
    const auto rules = severity_rules_from_json(
        parse_json(R"({"filesChanged":"ok","Forbidden":"FAILED","crashconsistent":"warning"})"));
    CHECK(rules.of("FilesChanged") == Severity::Ok);
    CHECK(rules.of("Forbidden") == Severity::Failed);
    CHECK(rules.of("CrashConsistent") == Severity::Warning);
    CHECK(severity_rules_from_json(to_json(rules)) == rules);
    CHECK(known_severity_rules(to_json(rules)) == rules);
}

TEST_CASE("what is wrong in the severities of a policy is told") {
    for (const auto* text : {"[]",
                             R"({"Lost":"ok"})",
                             R"({"FilesChanged":"fine"})",
                             R"({"FilesChanged":1})",
                             R"({"MoverFailed":"ok"})"}) {
        INFO(text);
        CHECK(error_code_of([&] { return severity_rules_from_json(parse_json(text)); }) ==
              ErrorCode::InvalidArgument);
    }
    CHECK_THAT(
        hint_of([] { return severity_rules_from_json(parse_json(R"({"FilesChnged":"ok"})")); }),
        contains("FilesChanged"));
}

TEST_CASE("errors amount to reasons") {
    CHECK(reason_of(ErrorCode::Forbidden) == SkipReason::Forbidden);
    CHECK(reason_of(ErrorCode::TimedOut) == SkipReason::TimedOut);
    CHECK(reason_of(ErrorCode::KubeServerError) == SkipReason::ApiUnavailable);
    CHECK(reason_of(ErrorCode::Usage) == SkipReason::None);
    for (const auto& info : all_error_codes()) {
        const auto reason = reason_of(info.code);
        CHECK((reason == SkipReason::None || is_loss(reason)));
    }
}
