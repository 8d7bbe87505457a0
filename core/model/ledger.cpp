// SPDX-License-Identifier: Apache-2.0
#include "core/model/ledger.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace backup::model {

namespace {

template <typename Value, std::size_t Count>
using Words = std::array<std::pair<Value, std::string_view>, Count>;

constexpr Words<Outcome, 3> kOutcomes{{{Outcome::Protected, "Protected"},
                                       {Outcome::Skipped, "Skipped"},
                                       {Outcome::Failed, "Failed"}}};

constexpr Words<HookPhase, 3> kPhases{
    {{HookPhase::Pre, "Pre"}, {HookPhase::Post, "Post"}, {HookPhase::Command, "Command"}}};

constexpr Words<HookOutcome, 4> kHookOutcomes{{{HookOutcome::Succeeded, "Succeeded"},
                                               {HookOutcome::Failed, "Failed"},
                                               {HookOutcome::TimedOut, "TimedOut"},
                                               {HookOutcome::NotRun, "NotRun"}}};

constexpr Words<PointStatus, 4> kStatuses{{{PointStatus::Complete, "Complete"},
                                           {PointStatus::Warnings, "Warnings"},
                                           {PointStatus::Incomplete, "Incomplete"},
                                           {PointStatus::Failed, "Failed"}}};

template <typename Value, std::size_t Count>
std::string_view word_for(const Words<Value, Count>& words, Value value) {
    const auto* const found = std::find_if(
        words.begin(), words.end(), [value](const auto& word) { return word.first == value; });
    if (found == words.end()) {
        throw Error(ErrorCode::Internal, "an enumerator without a word");
    }
    return found->second;
}

template <typename Value, std::size_t Count>
Value value_of(const Words<Value, Count>& words, std::string_view text) {
    const auto* const found = std::find_if(
        words.begin(), words.end(), [text](const auto& word) { return word.second == text; });
    if (found == words.end()) {
        throw Error(ErrorCode::CorruptData,
                    concat("'", printable(text), "' is not a word of the ledger"));
    }
    return found->first;
}

void put(Json& json, std::string_view name, const std::string& text) {
    if (!text.empty()) {
        json[name] = text;
    }
}

void put(Json& json, std::string_view name, const std::vector<std::string>& texts) {
    if (!texts.empty()) {
        json[name] = Json::Array(texts.begin(), texts.end());
    }
}

std::uint64_t count_at(const Json& json, std::string_view name) {
    const auto value = json.integer_at({name});
    if (value < 0) {
        throw Error(ErrorCode::CorruptData, concat("the ledger has a negative '", name, "'"));
    }
    return static_cast<std::uint64_t>(value);
}

/// The items of a member that may be missing.
template <typename Visit>
void for_each(const Json& json, std::string_view name, Visit visit) {
    const auto* const items = json.find(name);
    if (items == nullptr) {
        return;
    }
    if (!items->is_array()) {
        throw Error(ErrorCode::CorruptData, concat("'", name, "' of the ledger is not a list"));
    }
    for (const auto& item : items->items()) {
        visit(item);
    }
}

std::vector<std::string> texts_at(const Json& json, std::string_view name) {
    std::vector<std::string> texts;
    for_each(json, name, [&texts](const Json& item) {
        if (!item.is_string()) {
            throw Error(ErrorCode::CorruptData, "the ledger has something else than text");
        }
        texts.push_back(item.string());
    });
    return texts;
}

template <typename Record>
void put_outcome(Json& json, const Record& record) {
    json["outcome"] = to_text(record.outcome);
    if (record.reason != SkipReason::None) {
        json["reason"] = to_text(record.reason);
    }
    put(json, "message", record.message);
}

template <typename Record>
void read_outcome(const Json& json, Record& record) {
    record.outcome = value_of(kOutcomes, json.text_at({"outcome"}));
    record.message = json.text_at({"message"});
    const auto reason = json.text_at({"reason"}, "None");
    record.reason = skip_reason_from_text(reason);
    // A word of a newer version must not make the point unreadable, and must not be lost.
    if (record.reason == SkipReason::Other && reason != to_text(SkipReason::Other)) {
        record.message =
            concat(printable(reason), record.message.empty() ? "" : ": ", record.message);
    }
}

Json to_json(const ListRecord& list) {
    Json json = Json::object({{"resource", list.resource}});
    put(json, "scope", list.scope);
    put_outcome(json, list);
    json["count"] = list.count;
    if (list.unchanged != 0) {
        json["unchanged"] = list.unchanged;
    }
    put(json, "resourceVersion", list.resource_version);
    json["consistent"] = list.is_consistent;
    return json;
}

ListRecord list_from_json(const Json& json) {
    ListRecord list;
    list.resource = json.text_at({"resource"});
    list.scope = json.text_at({"scope"});
    read_outcome(json, list);
    list.count = count_at(json, "count");
    list.unchanged = count_at(json, "unchanged");
    list.resource_version = json.text_at({"resourceVersion"});
    list.is_consistent = json.bool_at({"consistent"}, true);
    return list;
}

/// Every counter of a volume under its name, for both directions.
constexpr std::array<std::pair<std::string_view, std::uint64_t VolumeRecord::*>, 13> kCounters{
    {{"files", &VolumeRecord::files},
     {"directories", &VolumeRecord::directories},
     {"bytes", &VolumeRecord::bytes},
     {"filesUnchanged", &VolumeRecord::files_unchanged},
     {"bytesRead", &VolumeRecord::bytes_read},
     {"bytesSent", &VolumeRecord::bytes_sent},
     {"filesUnreadable", &VolumeRecord::files_unreadable},
     {"filesystemsLeftOut", &VolumeRecord::file_systems_left_out},
     {"filesChanged", &VolumeRecord::files_changed},
     {"capacityBytes", &VolumeRecord::capacity_bytes},
     {"usedBytes", &VolumeRecord::used_bytes},
     {"usedInodes", &VolumeRecord::used_inodes},
     {"durationMs", &VolumeRecord::duration_ms}}};

Json to_json(const VolumeRecord& volume) {
    Json json = Json::object({{"namespace", volume.name_space}, {"claim", volume.claim}});
    put_outcome(json, volume);
    put(json, "method", volume.method);
    put(json, "rule", volume.rule);
    put(json, "consistency", volume.consistency);
    for (const auto& [name, member] : kCounters) {
        // Zeros too: "nothing was read" is an answer that people ask for.
        json[name] = volume.*member;
    }
    put(json, "unreadable", volume.unreadable);
    put(json, "changed", volume.changed);
    if (!volume.missing_rules.empty()) {
        json["missingRules"] = Json::array();
        for (const auto& rule : volume.missing_rules) {
            json["missingRules"].push_back(to_json(rule));
        }
    }
    return json;
}

VolumeRecord volume_from_json(const Json& json) {
    VolumeRecord volume;
    volume.name_space = json.text_at({"namespace"});
    volume.claim = json.text_at({"claim"});
    read_outcome(json, volume);
    volume.method = json.text_at({"method"});
    volume.rule = json.text_at({"rule"});
    volume.consistency = json.text_at({"consistency"});
    for (const auto& [name, member] : kCounters) {
        volume.*member = count_at(json, name);
    }
    volume.unreadable = texts_at(json, "unreadable");
    volume.changed = texts_at(json, "changed");
    for_each(json, "missingRules", [&volume](const Json& item) {
        volume.missing_rules.push_back(access_rule_from_json(item));
    });
    return volume;
}

/// What a command printed may be anything; JSON is UTF-8.
std::string as_utf8(const std::string& text) {
    return is_utf8(text) ? text : printable(text);
}

Json to_json(const HookRecord& hook) {
    Json json = Json::object({{"namespace", hook.name_space}, {"pod", hook.pod}});
    put(json, "container", hook.container);
    json["phase"] = to_text(hook.phase);
    json["outcome"] = to_text(hook.outcome);
    put(json, "message", hook.message);
    put(json, "origin", hook.origin);
    put(json, "command", hook.command);
    json["mayFail"] = hook.may_fail;
    json["exitCode"] = hook.exit_code;
    json["durationMs"] = hook.duration_ms;
    put(json, "output", as_utf8(hook.output));
    return json;
}

HookRecord hook_from_json(const Json& json) {
    HookRecord hook;
    hook.name_space = json.text_at({"namespace"});
    hook.pod = json.text_at({"pod"});
    hook.container = json.text_at({"container"});
    hook.phase = value_of(kPhases, json.text_at({"phase"}));
    hook.outcome = value_of(kHookOutcomes, json.text_at({"outcome"}));
    hook.message = json.text_at({"message"});
    hook.origin = json.text_at({"origin"});
    hook.command = texts_at(json, "command");
    hook.may_fail = json.bool_at({"mayFail"});
    // What a process can end with, and -1: anything else is a damaged record.
    constexpr std::int64_t kMost = 255;
    const auto exit_code = json.integer_at({"exitCode"});
    if (exit_code < -1 || exit_code > kMost) {
        throw Error(ErrorCode::CorruptData, "the ledger has an exit code that cannot be");
    }
    hook.exit_code = static_cast<int>(exit_code);
    hook.duration_ms = count_at(json, "durationMs");
    hook.output = json.text_at({"output"});
    return hook;
}

Json to_json(const ProblemRecord& problem) {
    return Json::object({{"subject", problem.subject}, {"message", problem.message}});
}

template <typename Record>
Json to_array(const std::vector<Record>& records) {
    Json::Array items;
    items.reserve(records.size());
    for (const auto& record : records) {
        items.push_back(to_json(record));
    }
    return items;
}

}  // namespace

std::string_view to_text(Outcome outcome) {
    return word_for(kOutcomes, outcome);
}

std::string_view to_text(PointStatus status) {
    return word_for(kStatuses, status);
}

std::string_view to_text(HookPhase phase) {
    return word_for(kPhases, phase);
}

std::string_view to_text(HookOutcome outcome) {
    return word_for(kHookOutcomes, outcome);
}

PointStatus point_status_from_text(std::string_view text) {
    return value_of(kStatuses, text);
}

Json to_json(const Ledger& ledger) {
    auto json =
        Json::object({{"version", 1},
                      {"lists", to_array(ledger.lists)},
                      {"volumes", to_array(ledger.volumes)},
                      {"hooks", to_array(ledger.hooks)},
                      {"problems", to_array(ledger.problems)},
                      {"warnings", Json::Array(ledger.warnings.begin(), ledger.warnings.end())}});
    if (!ledger.severity.is_empty()) {
        json["severity"] = to_json(ledger.severity);
    }
    return json;
}

Ledger ledger_from_json(const Json& json) {
    if (!json.is_object() || json.integer_at({"version"}) != 1) {
        throw Error(ErrorCode::CorruptData, "this is not a ledger of version 1");
    }
    Ledger ledger;
    for_each(
        json, "lists", [&](const Json& item) { ledger.lists.push_back(list_from_json(item)); });
    for_each(json, "volumes", [&](const Json& item) {
        ledger.volumes.push_back(volume_from_json(item));
    });
    for_each(
        json, "hooks", [&](const Json& item) { ledger.hooks.push_back(hook_from_json(item)); });
    for_each(json, "problems", [&](const Json& item) {
        ledger.problems.push_back({item.text_at({"subject"}), item.text_at({"message"})});
    });
    ledger.warnings = texts_at(json, "warnings");
    if (const auto* const severity = json.find("severity")) {
        ledger.severity = known_severity_rules(*severity);
    }
    return ledger;
}

}  // namespace backup::model
