// SPDX-License-Identifier: Apache-2.0
// What a recovery point protects, skips (with a typed reason) and failed to protect. Stored with
// the point; docs/ledger.md describes the JSON.
#pragma once

#include "core/base/json.hpp"
#include "core/model/access_rule.hpp"
#include "core/model/severity.hpp"
#include "core/model/skip_reason.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace backup::model {

enum class Outcome { Protected, Skipped, Failed };

std::string_view to_text(Outcome outcome);

/// One list of one resource in one namespace (or cluster-wide).
struct ListRecord {
    std::string resource;  // plural.group
    std::string scope;     // namespace; empty: cluster-scoped objects
    Outcome outcome = Outcome::Protected;
    SkipReason reason = SkipReason::None;
    std::string message;  // of a failure, or what made it inconsistent
    std::uint64_t count = 0;
    std::uint64_t unchanged = 0;  // of them, taken over from the previous point
    std::string resource_version;
    bool is_consistent = true;  // one moment; false: its pages are from several (410 Expired)

    bool operator==(const ListRecord&) const = default;
};

struct VolumeRecord {
    std::string name_space;
    std::string claim;
    Outcome outcome = Outcome::Protected;
    SkipReason reason = SkipReason::None;
    std::string message;
    std::string method;       // "live", "snapshot", "clone", "directory"
    std::string rule;         // why this method, or why none: "volume-rule 2", "default"
    std::string consistency;  // "crash", "idle", "snapshot", "application" (hooks), "none"
    std::uint64_t files = 0;
    std::uint64_t directories = 0;
    std::uint64_t bytes = 0;            // plain size of all content
    std::uint64_t files_unchanged = 0;  // taken over without being read
    std::uint64_t bytes_read = 0;       // at the source
    std::uint64_t bytes_sent = 0;       // content bytes that crossed the exec stream or pipe
    std::uint64_t files_unreadable = 0;
    std::vector<std::string> unreadable;      // the first 1000 paths, with the reason
    std::uint64_t file_systems_left_out = 0;  // mounted below the root and not gone into
    std::uint64_t files_changed = 0;          // while being read
    std::vector<std::string> changed;         // the first 1000 paths
    std::uint64_t capacity_bytes = 0;         // of the claim; what it asks for while it has none
    std::uint64_t used_bytes = 0;             // statfs of the source
    std::uint64_t used_inodes = 0;
    std::uint64_t duration_ms = 0;
    std::vector<AccessRule> missing_rules;  // of the reason Forbidden

    bool operator==(const VolumeRecord&) const = default;
};

enum class HookPhase {
    Pre,
    Post,
    Command,  // its output is stored as a file
};

enum class HookOutcome { Succeeded, Failed, TimedOut, NotRun };

std::string_view to_text(HookPhase phase);
std::string_view to_text(HookOutcome outcome);

/// One command that was run, or should have been, in a container because of the backup.
struct HookRecord {
    std::string name_space;
    std::string pod;
    std::string container;
    std::vector<std::string> command;  // program and arguments
    HookPhase phase = HookPhase::Pre;
    HookOutcome outcome = HookOutcome::Succeeded;
    bool may_fail = false;  // on-error is Continue
    std::string origin;     // the annotation or the policy rule it comes from
    std::string message;    // of a failure
    int exit_code = 0;      // of the command; -1: it did not end by itself
    std::uint64_t duration_ms = 0;
    std::string output;  // the end of what it printed on both streams, at most 64 KiB

    bool operator==(const HookRecord&) const = default;
};

/// A thing that is in none of the lists: an API group that is down, a namespace that is missing.
struct ProblemRecord {
    std::string subject;
    std::string message;

    bool operator==(const ProblemRecord&) const = default;
};

enum class PointStatus { Complete, Warnings, Incomplete, Failed };

std::string_view to_text(PointStatus status);
/// Throws CorruptData on another word.
PointStatus point_status_from_text(std::string_view text);

struct Ledger {
    std::vector<ListRecord> lists;
    std::vector<VolumeRecord> volumes;
    std::vector<HookRecord> hooks;  // in the order they were started
    std::vector<ProblemRecord> problems;
    std::vector<std::string> warnings;
    SeverityRules severity;  // of the policy of the run

    bool operator==(const Ledger&) const = default;
    /// The worst of its findings (core/model/ledger_findings.hpp). With the default severities:
    /// Incomplete when any list, volume or hook failed, files were lost, or a problem is recorded;
    /// Warnings when there are warnings, inconsistent lists, files that changed while they were
    /// read, or a claim that was wanted and has no data.
    PointStatus status() const;
};

Json to_json(const Ledger& ledger);
/// Throws CorruptData on a record that is not a ledger; unknown members are ignored.
Ledger ledger_from_json(const Json& json);

}  // namespace backup::model
