// SPDX-License-Identifier: Apache-2.0
#include "plugin/output/records.hpp"

#include "core/base/yaml.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

#include <sstream>

using namespace backup;
using namespace backup::plugin;

namespace {

const RecordKind kFruit = {
    "Fruit",
    {{"NAME", [](const Json& record) { return Cell{record.text_at({"name"})}; }},
     {"COLOUR", [](const Json& record) { return Cell{record.text_at({"colour"})}; }, true}},
    [](const Json& record) { return record.text_at({"name"}); }};

const Json::Array kRecords = {Json::object({{"name", "apple"}, {"colour", "red"}}),
                              Json::object({{"name", "plum"}, {"colour", "blue"}})};

std::string printed(OutputFormat format, const Json::Array& records = kRecords) {
    std::ostringstream out;
    print_list({out, format}, kFruit, records);
    return out.str();
}

}  // namespace

TEST_CASE("a table, and a wide one") {
    CHECK(printed(OutputFormat::Table) == "NAME\napple\nplum\n");
    CHECK(printed(OutputFormat::Wide) == "NAME    COLOUR\napple   red\nplum    blue\n");
}

TEST_CASE("names are kind/name") {
    CHECK(printed(OutputFormat::Name) == "fruit/apple\nfruit/plum\n");
}

TEST_CASE("JSON and YAML are one record that can grow") {
    const auto json = parse_json(printed(OutputFormat::Json));
    CHECK(json.text_at({"apiVersion"}) == "kubectl-backup/v1");
    CHECK(json.text_at({"kind"}) == "FruitList");
    CHECK(json.find("items")->items().size() == 2);
    CHECK(parse_yaml(printed(OutputFormat::Yaml)) == json);
}

TEST_CASE("nothing is an empty list for programs and no table for people") {
    CHECK(printed(OutputFormat::Table, {}).empty());
    CHECK(printed(OutputFormat::Name, {}).empty());
    CHECK(parse_json(printed(OutputFormat::Json, {})).find("items")->items().empty());
}

TEST_CASE("a record says what it is before all else") {
    const auto record = as_record("Fruit", Json::object({{"kind", "Vegetable"}, {"name", "x"}}));
    REQUIRE(record.members().size() == 3);
    CHECK(record.members()[0].first == "apiVersion");
    CHECK(record.text_at({"kind"}) == "Fruit");
    CHECK(record.text_at({"name"}) == "x");
}

TEST_CASE("formats have names") {
    CHECK(parse_output_format("") == OutputFormat::Table);
    CHECK(parse_output_format("yaml") == OutputFormat::Yaml);
    CHECK(testing::error_code_of([] { return parse_output_format("xml"); }) == ErrorCode::Usage);
}
