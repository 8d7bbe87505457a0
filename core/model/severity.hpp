// SPDX-License-Identifier: Apache-2.0
// How bad a reason is for the point: the defaults of this program, and what a policy says instead.
// Knows the words of the ledger, not its records (core/model/ledger_findings.hpp judges those).
#pragma once

#include "core/base/json.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace backup::model {

/// From good to bad; the worst one of a ledger is the status of its point.
enum class Severity { Ok, Warning, Incomplete, Failed };

/// "ok", "warning", "incomplete", "failed".
std::string_view to_text(Severity severity);
/// In any case of letters; throws InvalidArgument.
Severity severity_from_text(std::string_view text);

/// Reasons beside those of SkipReason.
inline constexpr std::string_view kListFailed = "ListFailed";  // of no other reason
inline constexpr std::string_view kListInconsistent = "ListInconsistent";
inline constexpr std::string_view kVolumeFailed = "VolumeFailed";  // of no other reason
inline constexpr std::string_view kFilesUnreadable = "FilesUnreadable";
inline constexpr std::string_view kFileSystemLeftOut = "FileSystemLeftOut";
inline constexpr std::string_view kFilesChanged = "FilesChanged";
inline constexpr std::string_view kCrashConsistent = "CrashConsistent";  // read while in use
inline constexpr std::string_view kHookIgnored = "HookIgnored";  // failed, its on-error is Continue
inline constexpr std::string_view kProblem = "Problem";
inline constexpr std::string_view kWarning = "Warning";

/// Where a reason stands: a claim whose data was wanted counts more than an object.
enum class Judged { Object, Claim };

/// The words a policy may give a severity: those of SkipReason and the ones above.
const std::vector<std::string>& severity_words();

/// What a policy says; the defaults for all else. Plain value.
class SeverityRules {
  public:
    /// Words in any case of letters. Throws InvalidArgument ("did you mean") for an unknown word,
    /// and for Ok on a reason that always is about a claim without its data: that is never green,
    /// only leaving the claim out is.
    void set(std::string_view word, Severity severity);

    /// Of a claim at least Warning, unless the reason is that somebody left it out.
    Severity of(std::string_view word, Judged judged = Judged::Object) const;

    bool is_empty() const { return rules_.empty(); }

    bool operator==(const SeverityRules&) const = default;

    friend Json to_json(const SeverityRules& rules);

  private:
    std::map<std::string, Severity, std::less<>> rules_;
};

/// {"FilesChanged": "ok", ...}
Json to_json(const SeverityRules& rules);
/// Of a policy: throws what `set` throws, and InvalidArgument when it is not an object of words.
SeverityRules severity_rules_from_json(const Json& json);
/// Of a stored ledger, which may be newer: words that are not known are left out.
SeverityRules known_severity_rules(const Json& json);

}  // namespace backup::model
