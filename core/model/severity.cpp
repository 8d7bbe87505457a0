// SPDX-License-Identifier: Apache-2.0
#include "core/model/severity.hpp"

#include "core/base/closest_match.hpp"
#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/model/skip_reason.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace backup::model {

namespace {

constexpr std::array<std::pair<Severity, std::string_view>, 4> kSeverities = {
    {{Severity::Ok, "ok"},
     {Severity::Warning, "warning"},
     {Severity::Incomplete, "incomplete"},
     {Severity::Failed, "failed"}}};

struct Default {
    std::string_view word;
    Severity severity;
};

constexpr std::array<Default, 10> kOthers = {{{kListFailed, Severity::Incomplete},
                                              {kListInconsistent, Severity::Warning},
                                              {kVolumeFailed, Severity::Incomplete},
                                              {kFilesUnreadable, Severity::Incomplete},
                                              {kFileSystemLeftOut, Severity::Incomplete},
                                              {kFilesChanged, Severity::Warning},
                                              {kCrashConsistent, Severity::Ok},
                                              {kHookIgnored, Severity::Warning},
                                              {kProblem, Severity::Incomplete},
                                              {kWarning, Severity::Warning}}};

/// Somebody, or the nature of the thing, says that its data is not wanted.
bool is_left_out(SkipReason reason) {
    switch (reason) {
        case SkipReason::NeverStored:
        case SkipReason::ExcludedByUser:
        case SkipReason::ExcludedByMark:
        case SkipReason::ExcludedByPolicy:
        case SkipReason::OnlyWhenNamed:
            return true;
        default:
            return false;
    }
}

/// Reasons that only claims have.
bool is_about_claim(std::string_view word) {
    static constexpr std::array kClaimReasons = {SkipReason::Unbound,
                                                 SkipReason::BlockWithoutAccess,
                                                 SkipReason::UnsupportedVolume,
                                                 SkipReason::InUse,
                                                 SkipReason::LostVolume,
                                                 SkipReason::NodeUnavailable,
                                                 SkipReason::NotRunning,
                                                 SkipReason::SnapshotFailed,
                                                 SkipReason::MoverFailed,
                                                 SkipReason::StreamBroken,
                                                 SkipReason::QuotaExceeded,
                                                 SkipReason::NotAdmitted};
    return word == kVolumeFailed ||
           std::any_of(kClaimReasons.begin(), kClaimReasons.end(), [word](auto reason) {
               return to_text(reason) == word;
           });
}

Severity default_of(std::string_view word) {
    const auto* const other = std::find_if(
        kOthers.begin(), kOthers.end(), [word](const auto& row) { return row.word == word; });
    if (other != kOthers.end()) {
        return other->severity;
    }
    if (word == to_text(SkipReason::OnlyWhenNamed)) {
        return Severity::Warning;
    }
    return is_loss(skip_reason_from_text(word)) ? Severity::Incomplete : Severity::Ok;
}

std::string_view known_word(std::string_view text) {
    const auto& words = severity_words();
    const auto found = std::find_if(words.begin(), words.end(), [text](const auto& word) {
        return to_lower(word) == to_lower(text);
    });
    return found == words.end() ? std::string_view() : std::string_view(*found);
}

}  // namespace

std::string_view to_text(Severity severity) {
    return kSeverities.at(static_cast<std::size_t>(severity)).second;
}

Severity severity_from_text(std::string_view text) {
    const auto lower = to_lower(text);
    const auto* const found = std::find_if(kSeverities.begin(),
                                           kSeverities.end(),
                                           [&](const auto& row) { return row.second == lower; });
    if (found == kSeverities.end()) {
        throw Error(ErrorCode::InvalidArgument, concat("\"", printable(text), "\" is no severity"))
            .hint("it is one of ok, warning, incomplete, failed");
    }
    return found->first;
}

const std::vector<std::string>& severity_words() {
    static const std::vector<std::string> words = [] {
        std::vector<std::string> all;
        for (const auto reason : all_skip_reasons()) {
            all.emplace_back(to_text(reason));
        }
        for (const auto& other : kOthers) {
            all.emplace_back(other.word);
        }
        return all;
    }();
    return words;
}

void SeverityRules::set(std::string_view word, Severity severity) {
    const auto known = known_word(word);
    if (known.empty()) {
        Error error(ErrorCode::InvalidArgument,
                    concat("\"", printable(word), "\" is no reason that can have a severity"));
        const auto suggestion = did_you_mean(word, severity_words());
        throw suggestion.empty() ? std::move(error).hint("docs/ledger.md lists the reasons")
                                 : std::move(error).hint(suggestion);
    }
    if (severity == Severity::Ok && is_about_claim(known)) {
        throw Error(ErrorCode::InvalidArgument,
                    concat(known, " cannot be ok: a claim without its data is never complete"))
            .hint(
                "leave such claims out instead: a volume rule with \"action: skip\", or the "
                "annotation kubectl-backup/data: skip");
    }
    rules_.insert_or_assign(std::string(known), severity);
}

Severity SeverityRules::of(std::string_view word, Judged judged) const {
    const auto rule = rules_.find(word);
    const auto severity = rule == rules_.end() ? default_of(word) : rule->second;
    const bool has_floor = judged == Judged::Claim && !is_left_out(skip_reason_from_text(word));
    return has_floor ? std::max(severity, Severity::Warning) : severity;
}

Json to_json(const SeverityRules& rules) {
    auto json = Json::object();
    for (const auto& [word, severity] : rules.rules_) {
        json[word] = to_text(severity);
    }
    return json;
}

SeverityRules severity_rules_from_json(const Json& json) {
    SeverityRules rules;
    if (!json.is_object()) {
        throw Error(ErrorCode::InvalidArgument, "severity is no list of REASON: SEVERITY");
    }
    for (const auto& [word, severity] : json.members()) {
        if (!severity.is_string()) {
            throw Error(ErrorCode::InvalidArgument,
                        concat("the severity of ", printable(word), " is not a word"))
                .hint("it is one of ok, warning, incomplete, failed");
        }
        rules.set(word, severity_from_text(severity.string()));
    }
    return rules;
}

SeverityRules known_severity_rules(const Json& json) {
    SeverityRules rules;
    if (!json.is_object()) {
        return rules;
    }
    for (const auto& [word, severity] : json.members()) {
        const auto text = severity.is_string() ? to_lower(severity.string()) : std::string();
        const auto* const known =
            std::find_if(kSeverities.begin(), kSeverities.end(), [&text](const auto& row) {
                return row.second == text;
            });
        const bool is_ok = known != kSeverities.end() && known->first == Severity::Ok;
        if (known != kSeverities.end() && !known_word(word).empty() &&
            !(is_ok && is_about_claim(known_word(word)))) {
            rules.set(word, known->first);
        }
    }
    return rules;
}

}  // namespace backup::model
