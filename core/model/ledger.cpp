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

constexpr Words<SkipReason, 10> kReasons{{{SkipReason::None, "None"},
                                          {SkipReason::NeverStored, "NeverStored"},
                                          {SkipReason::ExcludedByUser, "ExcludedByUser"},
                                          {SkipReason::ExcludedByMark, "ExcludedByMark"},
                                          {SkipReason::NotListable, "NotListable"},
                                          {SkipReason::Terminating, "Terminating"},
                                          {SkipReason::Unbound, "Unbound"},
                                          {SkipReason::NoData, "NoData"},
                                          {SkipReason::BlockWithoutAccess, "BlockWithoutAccess"},
                                          {SkipReason::GroupIgnored, "GroupIgnored"}}};

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
    record.reason = value_of(kReasons, json.text_at({"reason"}, "None"));
    record.message = json.text_at({"message"});
}

Json to_json(const ListRecord& list) {
    Json json = Json::object({{"resource", list.resource}});
    put(json, "scope", list.scope);
    put_outcome(json, list);
    json["count"] = list.count;
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
    list.resource_version = json.text_at({"resourceVersion"});
    list.is_consistent = json.bool_at({"consistent"}, true);
    return list;
}

/// Every counter of a volume under its name, for both directions.
constexpr std::array<std::pair<std::string_view, std::uint64_t VolumeRecord::*>, 11> kCounters{
    {{"files", &VolumeRecord::files},
     {"directories", &VolumeRecord::directories},
     {"bytes", &VolumeRecord::bytes},
     {"filesUnchanged", &VolumeRecord::files_unchanged},
     {"bytesRead", &VolumeRecord::bytes_read},
     {"bytesSent", &VolumeRecord::bytes_sent},
     {"filesUnreadable", &VolumeRecord::files_unreadable},
     {"filesChanged", &VolumeRecord::files_changed},
     {"usedBytes", &VolumeRecord::used_bytes},
     {"usedInodes", &VolumeRecord::used_inodes},
     {"durationMs", &VolumeRecord::duration_ms}}};

Json to_json(const VolumeRecord& volume) {
    Json json = Json::object({{"namespace", volume.name_space}, {"claim", volume.claim}});
    put_outcome(json, volume);
    put(json, "method", volume.method);
    put(json, "consistency", volume.consistency);
    for (const auto& [name, member] : kCounters) {
        // Zeros too: "nothing was read" is an answer that people ask for.
        json[name] = volume.*member;
    }
    put(json, "unreadable", volume.unreadable);
    put(json, "changed", volume.changed);
    return json;
}

VolumeRecord volume_from_json(const Json& json) {
    VolumeRecord volume;
    volume.name_space = json.text_at({"namespace"});
    volume.claim = json.text_at({"claim"});
    read_outcome(json, volume);
    volume.method = json.text_at({"method"});
    volume.consistency = json.text_at({"consistency"});
    for (const auto& [name, member] : kCounters) {
        volume.*member = count_at(json, name);
    }
    volume.unreadable = texts_at(json, "unreadable");
    volume.changed = texts_at(json, "changed");
    return volume;
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

bool is_incomplete(const VolumeRecord& volume) {
    return volume.outcome == Outcome::Failed || volume.files_unreadable != 0;
}

}  // namespace

std::string_view to_text(Outcome outcome) {
    return word_for(kOutcomes, outcome);
}

std::string_view to_text(SkipReason reason) {
    return word_for(kReasons, reason);
}

std::string_view to_text(PointStatus status) {
    return word_for(kStatuses, status);
}

PointStatus point_status_from_text(std::string_view text) {
    return value_of(kStatuses, text);
}

PointStatus Ledger::status() const {
    const auto has_failed = [](const ListRecord& list) { return list.outcome == Outcome::Failed; };
    if (!problems.empty() || std::any_of(lists.begin(), lists.end(), has_failed) ||
        std::any_of(volumes.begin(), volumes.end(), is_incomplete)) {
        return PointStatus::Incomplete;
    }
    const auto is_mixed = [](const ListRecord& list) { return !list.is_consistent; };
    const auto has_changed = [](const VolumeRecord& volume) { return volume.files_changed != 0; };
    if (!warnings.empty() || std::any_of(lists.begin(), lists.end(), is_mixed) ||
        std::any_of(volumes.begin(), volumes.end(), has_changed)) {
        return PointStatus::Warnings;
    }
    return PointStatus::Complete;
}

Json to_json(const Ledger& ledger) {
    return Json::object(
        {{"version", 1},
         {"lists", to_array(ledger.lists)},
         {"volumes", to_array(ledger.volumes)},
         {"problems", to_array(ledger.problems)},
         {"warnings", Json::Array(ledger.warnings.begin(), ledger.warnings.end())}});
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
    for_each(json, "problems", [&](const Json& item) {
        ledger.problems.push_back({item.text_at({"subject"}), item.text_at({"message"})});
    });
    ledger.warnings = texts_at(json, "warnings");
    return ledger;
}

}  // namespace backup::model
