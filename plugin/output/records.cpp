// SPDX-License-Identifier: Apache-2.0
#include "plugin/output/records.hpp"

#include "core/base/error.hpp"
#include "core/base/text.hpp"
#include "core/base/yaml.hpp"

#include <ostream>

namespace backup::plugin {

namespace {

void print_document(const Output& output, const Json& document) {
    if (output.format == OutputFormat::Yaml) {
        output.out << format_yaml(document);
    } else {
        output.out << format_json_pretty(document);
    }
}

void print_table(const Output& output, const RecordKind& kind, const Json::Array& records) {
    std::vector<const Column*> columns;
    std::vector<std::string> headers;
    for (const auto& column : kind.columns) {
        if (!column.only_wide || output.format == OutputFormat::Wide) {
            columns.push_back(&column);
            headers.push_back(column.header);
        }
    }
    Table table(headers);
    for (const auto& record : records) {
        std::vector<Cell> row;
        for (const auto* column : columns) {
            row.push_back(column->cell(record));
        }
        table.add(std::move(row));
    }
    if (!table.is_empty()) {
        output.out << table.format({output.headers, output.colour, 0});
    }
}

}  // namespace

OutputFormat parse_output_format(std::string_view text) {
    if (text.empty() || text == "table") {
        return OutputFormat::Table;
    }
    if (text == "wide") {
        return OutputFormat::Wide;
    }
    if (text == "json") {
        return OutputFormat::Json;
    }
    if (text == "yaml") {
        return OutputFormat::Yaml;
    }
    if (text == "name") {
        return OutputFormat::Name;
    }
    throw Error(ErrorCode::Usage, concat("-o cannot be \"", printable(text), "\""));
}

void print_list(const Output& output, const RecordKind& kind, const Json::Array& records) {
    if (is_for_programs(output.format)) {
        print_document(output,
                       as_record(kind.item_kind + "List", Json::object({{"items", records}})));
    } else if (output.format == OutputFormat::Name) {
        for (const auto& record : records) {
            output.out << to_lower(kind.item_kind) << '/' << printable(kind.name(record)) << '\n';
        }
    } else {
        print_table(output, kind, records);
    }
}

void print_record(const Output& output, std::string_view kind, const Json& record) {
    print_document(output, as_record(kind, record));
}

Json as_record(std::string_view kind, const Json& record) {
    Json::Object members = {{"apiVersion", kApiVersion}, {"kind", kind}};
    if (record.is_object()) {
        for (const auto& member : record.members()) {
            if (member.first != "apiVersion" && member.first != "kind") {
                members.push_back(member);
            }
        }
    }
    return members;
}

}  // namespace backup::plugin
