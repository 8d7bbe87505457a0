// SPDX-License-Identifier: Apache-2.0
// Why a thing is not in a recovery point: one word each, stable, kept in the ledger and known to
// the `severity:` part of a policy. docs/ledger.md lists them.
#pragma once

#include "core/base/error_code.hpp"

#include <span>
#include <string_view>

namespace backup::model {

enum class SkipReason {
    None,
    // Left out.
    NeverStored,         // a kind that is short-lived or made again by itself (events, leases, ...)
    ExcludedByUser,      // --volumes=none, --exclude-...
    ExcludedByMark,      // annotation or label on the object
    ExcludedByPolicy,    // a rule of the policy file says skip
    OnlyWhenNamed,       // of a pod, without a claim, and nobody asked for it
    NotListable,         // the API offers no list
    Terminating,         // has a deletionTimestamp
    DeletedMeanwhile,    // was there when the run began
    Unbound,             // a claim without a volume
    NoData,              // nothing of it to store: no data of its own, globs that match nothing
    BlockWithoutAccess,  // block mode that the mover may not open
    UnsupportedVolume,   // of a pod, named, and no method reads this kind
    InUse,               // only one pod may have it, and that one runs
    GroupIgnored,        // metrics.k8s.io and the like
    // Failed.
    Forbidden,             // a right is missing; the message names the rule
    QuotaExceeded,         // a ResourceQuota leaves no room for the mover
    NotAdmitted,           // Pod Security, a webhook or another admission rule refused the mover
    NamespaceTerminating,  // nothing can be made in a namespace that goes away
    LostVolume,            // the claim has lost its volume
    NodeUnavailable,       // the cluster node that holds the data is gone or not ready
    NotRunning,            // only its pod has the volume, and that one does not run
    SnapshotFailed,
    HookFailed,      // the pre hook failed, and its on-error is Fail
    MoverFailed,     // evicted, killed, its disk full
    StreamBroken,    // the exec stream, more often than it was tried again
    TimedOut,        // no answer in time
    ApiUnavailable,  // the server behind an aggregated API, or the API server itself
    // Read from the ledger of a newer version, whose word is in front of the message.
    Other,
};

/// Every one but None and Other once.
std::span<const SkipReason> all_skip_reasons();

std::string_view to_text(SkipReason reason);
/// Other for a word that this version does not know.
SkipReason skip_reason_from_text(std::string_view text);

/// There is something, or may be, and it could not be had: Incomplete unless a policy says else.
bool is_loss(SkipReason reason);

/// The reason that an error amounts to; None when its code does not say.
SkipReason reason_of(ErrorCode code);

}  // namespace backup::model
