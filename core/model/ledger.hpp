// SPDX-License-Identifier: Apache-2.0
// What a recovery point protects, skips (with a typed reason) and failed to protect. Stored with
// the point; docs/ledger.md describes the JSON.
#pragma once

#include "core/base/json.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace backup::model {

enum class Outcome { Protected, Skipped, Failed };

enum class SkipReason {
    None,
    NeverStored,         // a kind that features.md 3.4 says never to store (events, leases, ...)
    ExcludedByUser,      // --volumes=none, --exclude-...
    ExcludedByMark,      // annotation or label on the object
    NotListable,         // the API offers no list
    Terminating,         // has a deletionTimestamp
    Unbound,             // a claim without a volume
    NoData,              // a volume type without data of its own
    BlockWithoutAccess,  // block mode that the mover may not open
    GroupIgnored,        // metrics.k8s.io and the like
};

std::string_view to_text(Outcome outcome);
std::string_view to_text(SkipReason reason);

/// One list of one resource in one namespace (or cluster-wide).
struct ListRecord {
    std::string resource;  // plural.group
    std::string scope;     // namespace; empty: cluster-scoped objects
    Outcome outcome = Outcome::Protected;
    SkipReason reason = SkipReason::None;
    std::string message;  // of a failure, or what made it inconsistent
    std::uint64_t count = 0;
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
    std::string method;       // "live", "snapshot", "directory"
    std::string consistency;  // "crash" or "none" (read while in use), "snapshot"
    std::uint64_t files = 0;
    std::uint64_t directories = 0;
    std::uint64_t bytes = 0;            // plain size of all content
    std::uint64_t files_unchanged = 0;  // taken over without being read
    std::uint64_t bytes_read = 0;       // at the source
    std::uint64_t bytes_sent = 0;       // content bytes that crossed the exec stream or pipe
    std::uint64_t files_unreadable = 0;
    std::vector<std::string> unreadable;  // the first 1000 paths, with the reason
    std::uint64_t files_changed = 0;      // while being read
    std::vector<std::string> changed;     // the first 1000 paths
    std::uint64_t used_bytes = 0;         // statfs of the source
    std::uint64_t used_inodes = 0;
    std::uint64_t duration_ms = 0;

    bool operator==(const VolumeRecord&) const = default;
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
    std::vector<ProblemRecord> problems;  // each makes the point Incomplete
    std::vector<std::string> warnings;

    bool operator==(const Ledger&) const = default;
    /// Incomplete when any list or volume failed, lost files, or a problem is recorded; Warnings
    /// when there are warnings, inconsistent lists or files that changed while read.
    PointStatus status() const;
};

Json to_json(const Ledger& ledger);
/// Throws CorruptData on a record that is not a ledger; unknown members are ignored.
Ledger ledger_from_json(const Json& json);

}  // namespace backup::model
