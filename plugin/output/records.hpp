// SPDX-License-Identifier: Apache-2.0
// The answer of a verb on standard output: records as a table, JSON, YAML or names. The top level
// of JSON is always a record with apiVersion and kind, so fields can be added for ever.
#pragma once

#include "core/base/json.hpp"
#include "plugin/output/table.hpp"

#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace backup::plugin {

inline constexpr std::string_view kApiVersion = "kubectl-backup/v1";

enum class OutputFormat { Table, Wide, Json, Yaml, Name };

/// "", "table", "wide", "json", "yaml", "name"; throws Usage.
OutputFormat parse_output_format(std::string_view text);

inline bool is_for_programs(OutputFormat format) {
    return format == OutputFormat::Json || format == OutputFormat::Yaml;
}

struct Column {
    std::string header;
    std::function<Cell(const Json& record)> cell;
    bool only_wide = false;
};

struct RecordKind {
    std::string item_kind;  // "RecoveryPoint"; the list is "RecoveryPointList"
    std::vector<Column> columns;
    std::function<std::string(const Json& record)>
        name;  // for -o name: "name" -> recoverypoint/name
};

/// Where and how to print.
struct Output {
    std::ostream& out;
    OutputFormat format = OutputFormat::Table;
    bool headers = true;
    bool colour = false;
};

/// A list: a table, or one List record. An empty table prints nothing.
void print_list(const Output& output, const RecordKind& kind, const Json::Array& records);

/// One record as JSON or YAML, with apiVersion and kind in front. Not for the other formats.
void print_record(const Output& output, std::string_view kind, const Json& record);

/// `record` with apiVersion and kind in front of its members.
Json as_record(std::string_view kind, const Json& record);

}  // namespace backup::plugin
