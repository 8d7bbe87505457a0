// SPDX-License-Identifier: Apache-2.0
#include "core/model/ledger_findings.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace backup::model {

namespace {

/// The word of a failed record: its reason when that explains a loss, otherwise the general one.
std::string_view word_of_failure(SkipReason reason, std::string_view general) {
    return is_loss(reason) ? to_text(reason) : general;
}

std::string counted(std::uint64_t count, std::string_view noun) {
    return concat(count, " ", noun, count == 1 ? "" : "s");
}

bool has_data(const VolumeRecord& volume) {
    return volume.outcome == Outcome::Protected && !volume.method.empty();
}

/// Nothing that was wanted is in the point although it was read: globs that match nothing.
bool is_empty_by_mistake(const VolumeRecord& volume) {
    return has_data(volume) && volume.reason == SkipReason::NoData;
}

/// Of an imported directory a person chose with a flag what is gone into.
Severity severity_of_left_out(const VolumeRecord& volume, const SeverityRules& rules) {
    const auto severity = rules.of(kFileSystemLeftOut);
    return volume.method == "directory" ? std::min(severity, Severity::Warning) : severity;
}

/// Why a claim has no data, in the words of the ledger.
std::string_view word_without_data(const VolumeRecord& volume) {
    return volume.outcome == Outcome::Skipped ? to_text(volume.reason)
                                              : word_of_failure(volume.reason, kVolumeFailed);
}

void add_volume(const VolumeRecord& volume,
                const SeverityRules& rules,
                std::vector<Finding>& findings) {
    const auto subject = subject_of(volume);
    if (!has_data(volume) || is_empty_by_mistake(volume)) {
        const auto word = has_data(volume) ? to_text(volume.reason) : word_without_data(volume);
        findings.push_back(
            {rules.of(word, Judged::Claim),
             std::string(word),
             subject,
             volume.message.empty() ? "its data is not in the point" : volume.message});
        if (!has_data(volume)) {
            return;
        }
    }
    if (volume.file_systems_left_out > 0) {
        findings.push_back(
            {severity_of_left_out(volume, rules),
             std::string(kFileSystemLeftOut),
             subject,
             counted(volume.file_systems_left_out, "file system") + " mounted in it left out"});
    }
    if (volume.files_unreadable > 0) {
        // A claim of which nothing could be read has no data.
        findings.push_back(
            {rules.of(kFilesUnreadable, volume.bytes == 0 ? Judged::Claim : Judged::Object),
             std::string(kFilesUnreadable),
             subject,
             counted(volume.files_unreadable, "file") + " could not be read"});
    }
    if (volume.files_changed > 0) {
        findings.push_back({rules.of(kFilesChanged),
                            std::string(kFilesChanged),
                            subject,
                            counted(volume.files_changed, "file") + " changed while being read"});
    }
    if (volume.consistency == "crash") {
        findings.push_back({rules.of(kCrashConsistent),
                            std::string(kCrashConsistent),
                            subject,
                            "a running pod used it while it was read"});
    }
}

void add_list(const ListRecord& list, const SeverityRules& rules, std::vector<Finding>& findings) {
    const auto subject = subject_of(list);
    if (list.outcome == Outcome::Failed) {
        const auto word = word_of_failure(list.reason, kListFailed);
        // Claims that nobody could see have no data either.
        const auto judged =
            list.resource == "persistentvolumeclaims" ? Judged::Claim : Judged::Object;
        findings.push_back({rules.of(word, judged), std::string(word), subject, list.message});
    } else if (list.outcome == Outcome::Skipped) {
        const auto word = to_text(list.reason);
        findings.push_back({rules.of(word), std::string(word), subject, list.message});
    } else if (!list.is_consistent) {
        findings.push_back(
            {rules.of(kListInconsistent),
             std::string(kListInconsistent),
             subject,
             list.message.empty() ? "its parts are of different moments" : list.message});
    }
}

void add_hook(const HookRecord& hook, const SeverityRules& rules, std::vector<Finding>& findings) {
    if (hook.outcome == HookOutcome::Succeeded) {
        return;
    }
    const auto word = hook.may_fail ? kHookIgnored : to_text(SkipReason::HookFailed);
    auto message = hook.message;
    if (message.empty()) {
        message = hook.outcome == HookOutcome::TimedOut ? "it did not end in time"
                  : hook.outcome == HookOutcome::NotRun ? "it was not run"
                                                        : concat("exit code ", hook.exit_code);
    }
    findings.push_back(
        {rules.of(word),
         std::string(word),
         concat(to_lower(to_text(hook.phase)), " hook of pod ", hook.name_space, "/", hook.pod),
         std::move(message)});
}

Severity worst_of(const std::vector<Finding>& findings) {
    auto worst = Severity::Ok;
    for (const auto& finding : findings) {
        worst = std::max(worst, finding.severity);
    }
    return worst;
}

template <typename Record, typename Add>
Severity judge(const Record& record, const SeverityRules& rules, Add add) {
    std::vector<Finding> findings;
    add(record, rules, findings);
    return worst_of(findings);
}

std::vector<Finding> all_findings(const Ledger& ledger) {
    std::vector<Finding> findings;
    for (const auto& volume : ledger.volumes) {
        add_volume(volume, ledger.severity, findings);
    }
    for (const auto& list : ledger.lists) {
        add_list(list, ledger.severity, findings);
    }
    for (const auto& hook : ledger.hooks) {
        add_hook(hook, ledger.severity, findings);
    }
    for (const auto& problem : ledger.problems) {
        findings.push_back({ledger.severity.of(kProblem),
                            std::string(kProblem),
                            problem.subject,
                            problem.message});
    }
    for (const auto& warning : ledger.warnings) {
        findings.push_back(
            {ledger.severity.of(kWarning), std::string(kWarning), std::string(), warning});
    }
    return findings;
}

}  // namespace

Severity severity_of(const ListRecord& list, const SeverityRules& rules) {
    return judge(list, rules, add_list);
}

Severity severity_of(const VolumeRecord& volume, const SeverityRules& rules) {
    return judge(volume, rules, add_volume);
}

Severity severity_of(const HookRecord& hook, const SeverityRules& rules) {
    return judge(hook, rules, add_hook);
}

std::string subject_of(const VolumeRecord& volume) {
    return concat("volume ", volume.name_space, "/", volume.claim);
}

std::string subject_of(const ListRecord& list) {
    if (list.scope == "*") {
        return list.resource + " in all namespaces";
    }
    return list.scope.empty() ? list.resource : concat(list.resource, " in namespace ", list.scope);
}

std::vector<Finding> findings_of(const Ledger& ledger) {
    auto findings = all_findings(ledger);
    std::erase_if(findings,
                  [](const Finding& finding) { return finding.severity == Severity::Ok; });
    std::stable_sort(findings.begin(), findings.end(), [](const auto& a, const auto& b) {
        return a.severity > b.severity;
    });
    return findings;
}

std::vector<AccessRule> missing_rules(const Ledger& ledger) {
    std::set<AccessRule> rules;
    for (const auto& list : ledger.lists) {
        if (list.outcome == Outcome::Failed && list.reason == SkipReason::Forbidden) {
            const auto dot = std::min(list.resource.find('.'), list.resource.size());
            const auto group = list.resource.substr(std::min(dot + 1, list.resource.size()));
            rules.insert({"list",
                          group,
                          list.resource.substr(0, dot),
                          list.scope == "*" ? std::string() : list.scope});
        }
    }
    for (const auto& volume : ledger.volumes) {
        rules.insert(volume.missing_rules.begin(), volume.missing_rules.end());
    }
    return {rules.begin(), rules.end()};
}

PointStatus Ledger::status() const {
    switch (worst_of(all_findings(*this))) {
        case Severity::Ok:
            return PointStatus::Complete;
        case Severity::Warning:
            return PointStatus::Warnings;
        case Severity::Incomplete:
            return PointStatus::Incomplete;
        case Severity::Failed:
            break;
    }
    return PointStatus::Failed;
}

}  // namespace backup::model
