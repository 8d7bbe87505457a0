// SPDX-License-Identifier: Apache-2.0
#include "core/model/recovery_point.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace backup::model {

namespace {

constexpr std::size_t kLongestName = 128;
constexpr std::string_view kNewest = "latest";

constexpr std::array<std::pair<std::string_view, std::uint64_t PointStatistics::*>, 7> kCounters{
    {{"objects", &PointStatistics::objects},
     {"volumes", &PointStatistics::volumes},
     {"files", &PointStatistics::files},
     {"directories", &PointStatistics::directories},
     {"bytes", &PointStatistics::bytes},
     {"newBytes", &PointStatistics::new_bytes},
     {"storedBytes", &PointStatistics::stored_bytes}}};

[[noreturn]] void refuse(std::string_view reason) {
    throw Error(ErrorCode::CorruptData, concat("the record of the point is damaged: ", reason));
}

Json to_json(const PointStatistics& statistics) {
    auto json = Json::object();
    for (const auto& [name, member] : kCounters) {
        json[name] = statistics.*member;
    }
    return json;
}

PointStatistics statistics_from_json(const Json& json) {
    PointStatistics statistics;
    for (const auto& [name, member] : kCounters) {
        const auto value = json.integer_at({"statistics", name});
        if (value < 0) {
            refuse(concat("'", name, "' is negative"));
        }
        statistics.*member = static_cast<std::uint64_t>(value);
    }
    return statistics;
}

Json to_json(const ClusterIdentity& cluster) {
    if (cluster == ClusterIdentity{}) {
        return {};
    }
    return Json::object(
        {{"uid", cluster.uid}, {"server", cluster.server}, {"version", cluster.version}});
}

TimePoint time_at(const Json& json, std::string_view name) {
    const auto* const text = json.find(name);
    if (text == nullptr || !text->is_string()) {
        refuse(concat("'", name, "' is missing"));
    }
    return parse_rfc3339(text->string());
}

std::map<std::string, std::string> tags_from_json(const Json& json) {
    std::map<std::string, std::string> tags;
    const auto* const members = json.find("tags");
    if (members == nullptr || !members->is_object()) {
        return tags;
    }
    for (const auto& [name, value] : members->members()) {
        if (!value.is_string()) {
            refuse("a tag is not text");
        }
        tags.emplace(name, value.string());
    }
    return tags;
}

std::vector<std::string> namespaces_from_json(const Json& json) {
    std::vector<std::string> namespaces;
    const auto* const items = json.find("namespaces");
    if (items == nullptr || !items->is_array()) {
        return namespaces;
    }
    for (const auto& item : items->items()) {
        if (!item.is_string()) {
            refuse("a namespace is not text");
        }
        namespaces.push_back(item.string());
    }
    return namespaces;
}

bool is_letter_or_digit(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9');
}

bool is_name_character(char character) {
    return is_letter_or_digit(character) || character == '.' || character == '_' ||
           character == '-';
}

}  // namespace

Json to_json(const RecoveryPoint& point) {
    auto tags = Json::object();
    for (const auto& [name, value] : point.tags) {
        tags[name] = value;
    }
    return Json::object(
        {{"name", point.name},
         {"created", format_rfc3339_exact(point.created)},
         {"finished", format_rfc3339_exact(point.finished)},
         {"status", to_text(point.status)},
         {"description", point.description},
         {"tags", std::move(tags)},
         {"cluster", to_json(point.cluster)},
         {"namespaces", Json::Array(point.namespaces.begin(), point.namespaces.end())},
         {"host", point.host},
         {"program", point.program},
         {"previous", point.previous.empty() ? Json() : Json(point.previous)},
         {"statistics", to_json(point.statistics)}});
}

RecoveryPoint recovery_point_from_json(const Json& json) {
    if (!json.is_object()) {
        refuse("it is not an object");
    }
    RecoveryPoint point;
    point.name = json.text_at({"name"});
    point.created = time_at(json, "created");
    point.finished = time_at(json, "finished");
    point.status = point_status_from_text(json.text_at({"status"}));
    point.description = json.text_at({"description"});
    point.tags = tags_from_json(json);
    point.cluster = {json.text_at({"cluster", "uid"}),
                     json.text_at({"cluster", "server"}),
                     json.text_at({"cluster", "version"})};
    point.namespaces = namespaces_from_json(json);
    point.host = json.text_at({"host"});
    point.program = json.text_at({"program"});
    point.previous = json.text_at({"previous"});
    point.statistics = statistics_from_json(json);
    return point;
}

void check_point_name(std::string_view name) {
    const auto refuse_name = [name](std::string_view reason) {
        throw Error(ErrorCode::InvalidArgument,
                    concat("'", printable(name), "' cannot be the name of a point: ", reason));
    };
    if (name.empty() || name.size() > kLongestName) {
        refuse_name("it has 1 to 128 characters");
    }
    if (!std::all_of(name.begin(), name.end(), is_name_character)) {
        refuse_name("only letters, digits, '.', '_' and '-' are allowed");
    }
    if (!is_letter_or_digit(name.front())) {
        refuse_name("it begins with a letter or a digit");
    }
    if (name == kNewest) {
        refuse_name("'latest' always means the newest point");
    }
}

}  // namespace backup::model
