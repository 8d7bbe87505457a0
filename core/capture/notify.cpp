// SPDX-License-Identifier: Apache-2.0
#include "core/capture/notify.hpp"

#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "core/model/ledger_findings.hpp"

#include <algorithm>
#include <array>

namespace backup::capture {

namespace {

constexpr std::size_t kMostFindings = 50;
constexpr std::size_t kLongestMessage = 500;

Json notice(std::string_view event,
            const model::RecoveryPoint& point,
            TimePoint time,
            const std::string& text) {
    auto json = Json::object({{"apiVersion", "kubectl-backup/v1"},
                              {"kind", "BackupNotification"},
                              {"event", event},
                              // What chat servers show of a webhook.
                              {"text", concat("kubectl-backup ", point.name, ": ", text)},
                              {"time", format_rfc3339(time)},
                              {"name", point.name},
                              {"host", point.host},
                              {"program", point.program}});
    if (!point.description.empty()) {
        json["description"] = point.description;
    }
    return json;
}

template <typename Record>
Json count_outcomes(const std::vector<Record>& records) {
    auto json = Json::object();
    constexpr std::array<std::pair<model::Outcome, std::string_view>, 3> kOutcomes = {
        {{model::Outcome::Protected, "protected"},
         {model::Outcome::Skipped, "skipped"},
         {model::Outcome::Failed, "failed"}}};
    for (const auto& [outcome, name] : kOutcomes) {
        const auto count =
            std::count_if(records.begin(), records.end(), [wanted = outcome](const Record& record) {
                return record.outcome == wanted;
            });
        json[name] = static_cast<std::int64_t>(count);
    }
    return json;
}

Json count_hooks(const std::vector<model::HookRecord>& hooks) {
    const auto succeeded = std::count_if(hooks.begin(), hooks.end(), [](const auto& hook) {
        return hook.outcome == model::HookOutcome::Succeeded;
    });
    const auto all = static_cast<std::int64_t>(hooks.size());
    return Json::object({{"succeeded", static_cast<std::int64_t>(succeeded)},
                         {"failed", all - static_cast<std::int64_t>(succeeded)}});
}

Json summary_of(const model::Ledger& ledger) {
    std::uint64_t unreadable = 0;
    std::uint64_t changed = 0;
    for (const auto& volume : ledger.volumes) {
        unreadable += volume.files_unreadable;
        changed += volume.files_changed;
    }
    return Json::object({{"volumes", count_outcomes(ledger.volumes)},
                         {"lists", count_outcomes(ledger.lists)},
                         {"hooks", count_hooks(ledger.hooks)},
                         {"filesUnreadable", unreadable},
                         {"filesChanged", changed},
                         {"problems", static_cast<std::uint64_t>(ledger.problems.size())},
                         {"warnings", static_cast<std::uint64_t>(ledger.warnings.size())}});
}

/// A hook's message may quote what the command printed.
bool is_of_hook(const model::Finding& finding) {
    return finding.reason == model::kHookIgnored ||
           finding.reason == model::to_text(model::SkipReason::HookFailed);
}

Json findings_json(const std::vector<model::Finding>& findings) {
    auto json = Json::array();
    for (const auto& finding : findings) {
        if (json.items().size() == kMostFindings) {
            break;
        }
        auto item = Json::object({{"severity", model::to_text(finding.severity)},
                                  {"reason", finding.reason},
                                  {"subject", printable(finding.subject)}});
        if (!is_of_hook(finding)) {
            item["message"] = printable(finding.message.substr(0, kLongestMessage));
        }
        json.push_back(std::move(item));
    }
    return json;
}

std::string counted(std::uint64_t count, std::string_view noun) {
    return concat(count, " ", noun, count == 1 ? "" : "s");
}

std::string text_of(const model::RecoveryPoint& point,
                    const std::vector<model::Finding>& findings) {
    auto text = concat(model::to_text(point.status),
                       ", ",
                       counted(point.statistics.objects, "object"),
                       ", ",
                       counted(point.statistics.volumes, "volume"),
                       ", ",
                       format_size(point.statistics.bytes),
                       " in ",
                       format_age(point.finished - point.created));
    if (!findings.empty()) {
        const auto& worst = findings.front();
        text += concat("; ",
                       printable(worst.subject),
                       worst.subject.empty() ? "" : ": ",
                       worst.reason,
                       findings.size() > 1 ? concat(" and ", findings.size() - 1, " more") : "");
    }
    return text;
}

}  // namespace

Json notice_of_start(const model::RecoveryPoint& point) {
    return notice("start", point, point.created, "started");
}

Json notice_of_end(const model::RecoveryPoint& point, const model::Ledger& ledger, int exit_code) {
    const auto findings = model::findings_of(ledger);
    auto json = notice(
        exit_code == 0 ? "success" : "failure", point, point.finished, text_of(point, findings));
    json["exitCode"] = exit_code;
    json["status"] = model::to_text(point.status);
    const auto stored = model::to_json(point);
    auto about = Json::object({{"id", point.id}});
    for (const auto* member :
         {"created", "finished", "tags", "cluster", "namespaces", "previous", "statistics"}) {
        if (const auto* const value = stored.find(member)) {
            about[member] = *value;
        }
    }
    json["point"] = std::move(about);
    json["summary"] = summary_of(ledger);
    json["findings"] = findings_json(findings);
    json["findingsLeftOut"] =
        static_cast<std::uint64_t>(findings.size() - std::min(findings.size(), kMostFindings));
    return json;
}

Json notice_of_error(const model::RecoveryPoint& point, const Error& error, TimePoint now) {
    const auto message = printable(std::string_view(error.what()).substr(0, kLongestMessage));
    auto json = notice("failure", point, now, concat("no point was made: ", message));
    json["exitCode"] = error.exit_code();
    json["error"] = Json::object({{"code", info_of(error.code()).name}, {"message", message}});
    return json;
}

}  // namespace backup::capture
