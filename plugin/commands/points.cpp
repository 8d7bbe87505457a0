// SPDX-License-Identifier: Apache-2.0
#include "plugin/commands/points.hpp"

#include "core/base/text.hpp"
#include "core/base/units.hpp"
#include "core/maintenance/checks.hpp"

#include <algorithm>

namespace backup::plugin {

namespace {

constexpr std::size_t kShortId = 12;
constexpr std::size_t kNamesInTable = 3;

Cell status_cell(const Json& record) {
    const auto status = shown_status(record);
    if (status == kDamagedStatus) {
        return {status, Tone::Bad};
    }
    for (const auto known : {model::PointStatus::Complete,
                             model::PointStatus::Warnings,
                             model::PointStatus::Incomplete,
                             model::PointStatus::Failed}) {
        if (status == model::to_text(known)) {
            return {status, tone_of(known)};
        }
    }
    return {status};
}

std::vector<std::string> strings_of(const Json* array) {
    std::vector<std::string> texts;
    if (array != nullptr && array->is_array()) {
        for (const auto& item : array->items()) {
            texts.push_back(item.string());
        }
    }
    return texts;
}

std::string tags_text(const Json& record) {
    std::vector<std::string> tags;
    const Json* all = record.find("tags");
    if (all != nullptr && all->is_object()) {
        for (const auto& [key, value] : all->members()) {
            tags.push_back(concat(key, "=", value.string()));
        }
    }
    return join(tags, ",");
}

Column number_column(std::string header, std::string_view member) {
    return {std::move(header), [member](const Json& record) {
                return Cell{concat(record.integer_at({"statistics", member}))};
            }};
}

Column size_column(std::string header, std::string_view member) {
    return {std::move(header), [member](const Json& record) {
                return Cell{format_size(
                    static_cast<std::uint64_t>(record.integer_at({"statistics", member})))};
            }};
}

Column text_column(std::string header, std::string_view member) {
    return {std::move(header),
            [member](const Json& record) { return Cell{record.text_at({member})}; },
            true};
}

}  // namespace

Json point_record(const model::RecoveryPoint& point, const maintenance::Check* check) {
    Json record = Json::object({{"id", point.id}});
    const Json stored = model::to_json(point);
    for (const auto& member : stored.members()) {
        if (member.first != "id") {
            record.members().push_back(member);
        }
    }
    if (check != nullptr) {
        record["verified"] =
            Json::object({{"time", format_rfc3339(check->when)}, {"sound", check->is_sound}});
    }
    return record;
}

std::string shown_status(const Json& record) {
    const auto* const is_sound = record.find_path({"verified", "sound"});
    return is_sound != nullptr && !is_sound->boolean() ? std::string(kDamagedStatus)
                                                       : record.text_at({"status"});
}

RecordKind point_kind(TimePoint now) {
    RecordKind kind;
    kind.item_kind = "RecoveryPoint";
    kind.name = [](const Json& record) { return record.text_at({"name"}); };
    kind.columns = {
        {"NAME", [](const Json& record) { return Cell{record.text_at({"name"})}; }},
        {"NAMESPACES",
         [](const Json& record) {
             return Cell{some_names(strings_of(record.find("namespaces")), kNamesInTable)};
         }},
        number_column("OBJECTS", "objects"),
        number_column("VOLUMES", "volumes"),
        size_column("SIZE", "bytes"),
        size_column("NEW", "newBytes"),
        {"STATUS", status_cell},
        {"AGE",
         [now](const Json& record) {
             return Cell{format_age(now - parse_rfc3339(record.text_at({"created"})))};
         }},
        {"ID", [](const Json& record) { return Cell{short_id(record.text_at({"id"}))}; }, true},
        text_column("CREATED", "created"),
        text_column("HOST", "host"),
        {"TAGS", [](const Json& record) { return Cell{tags_text(record)}; }, true},
        text_column("DESCRIPTION", "description"),
    };
    return kind;
}

Tone tone_of(model::PointStatus status) {
    switch (status) {
        case model::PointStatus::Complete:
            return Tone::Good;
        case model::PointStatus::Warnings:
            return Tone::Warning;
        case model::PointStatus::Incomplete:
        case model::PointStatus::Failed:
            return Tone::Bad;
    }
    return Tone::Plain;
}

std::string some_names(const std::vector<std::string>& names, std::size_t most) {
    if (names.size() <= most) {
        return join(names, ",");
    }
    const std::vector<std::string> first(names.begin(),
                                         names.begin() + static_cast<std::ptrdiff_t>(most));
    return concat(join(first, ","), ",+", names.size() - most);
}

std::string short_id(std::string_view id) {
    return std::string(id.substr(0, kShortId));
}

}  // namespace backup::plugin
