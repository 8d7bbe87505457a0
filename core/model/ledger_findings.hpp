// SPDX-License-Identifier: Apache-2.0
// Everything of a ledger that is not simply well, judged: what a person must read first, and what
// the status of the point comes from. Pure.
#pragma once

#include "core/model/ledger.hpp"

#include <string>
#include <vector>

namespace backup::model {

struct Finding {
    Severity severity = Severity::Ok;
    std::string reason;   // a word that a policy may judge: "Forbidden", "FilesChanged", "Problem"
    std::string subject;  // "secrets in namespace shop", "volume shop/data"
    std::string message;  // why, for people; foreign text: not yet printable

    bool operator==(const Finding&) const = default;
};

/// What a record amounts to when nothing else is known of it.
Severity severity_of(const ListRecord& list, const SeverityRules& rules);
Severity severity_of(const VolumeRecord& volume, const SeverityRules& rules);
Severity severity_of(const HookRecord& hook, const SeverityRules& rules);

/// "volume shop/data"
std::string subject_of(const VolumeRecord& volume);
/// "secrets in namespace shop"
std::string subject_of(const ListRecord& list);

/// Every right whose lack kept something out of the point, once.
std::vector<AccessRule> missing_rules(const Ledger& ledger);

/// Those of at least Warning, the worst first, otherwise in the order of the ledger: volumes,
/// lists, hooks, problems, warnings.
std::vector<Finding> findings_of(const Ledger& ledger);

}  // namespace backup::model
