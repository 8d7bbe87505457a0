// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/process.hpp"
#include "core/base/yaml.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random_json.hpp"

#include <optional>

using namespace backup;
using backup::testing::random_json;
using backup::testing::SeededRandom;

namespace {

std::string as_yaml(std::string_view json) {
    return format_yaml(parse_json(json));
}

std::string scalar(const std::string& text) {
    auto line = format_yaml(Json(text));
    line.pop_back();
    return line;
}

/// What PyYAML makes of a document: YAML 1.1, written by other people.
std::optional<std::string> read_by_python(const std::string& yaml) {
    ProcessOptions options;
    options.command = {"/usr/bin/python3",
                       "-c",
                       "import sys\n"
                       "try: import yaml\n"
                       "except ImportError: sys.exit(77)\n"
                       "import json\n"
                       "documents = yaml.load_all(sys.stdin.buffer.read(), yaml.SafeLoader)\n"
                       "sys.stdout.write(json.dumps(list(documents)))\n"};
    options.input = to_bytes(as_bytes(yaml));
    options.output_limit_bytes = 64U << 20U;
    const auto result = run_process(options);
    if (result.exit_code == 77) {
        return std::nullopt;
    }
    return result.exit_code == 0 ? result.output : "failed";
}

/// Strings everywhere numbers were: YAML 1.1 has other numbers than JSON (1e3 is none).
Json without_numbers(const Json& value) {
    if (value.is_number()) {
        return value.number_text();
    }
    if (value.is_array()) {
        auto copy = Json::array();
        for (const auto& item : value.items()) {
            copy.push_back(without_numbers(item));
        }
        return copy;
    }
    if (value.is_object()) {
        auto copy = Json::object();
        for (const auto& [name, member] : value.members()) {
            copy[name] = without_numbers(member);
        }
        return copy;
    }
    return value;
}

}  // namespace

TEST_CASE("a manifest looks as kubectl prints it") {
    CHECK(as_yaml(R"({"apiVersion":"v1","kind":"Pod","metadata":{"labels":{},"name":"web"},)"
                  R"("spec":{"containers":[{"args":["--port=80","-v"],"image":"nginx:1.25",)"
                  R"("ports":[{"containerPort":80}]},{"name":"b"}],"empty":[],"none":null,)"
                  R"("matrix":[[1,2],[[]]]}})") ==
          R"(apiVersion: v1
kind: Pod
metadata:
  labels: {}
  name: web
spec:
  containers:
  - args:
    - --port=80
    - -v
    image: nginx:1.25
    ports:
    - containerPort: 80
  - name: b
  empty: []
  none: null
  matrix:
  - - 1
    - 2
  - - []
)");
}

TEST_CASE("strings that could be read as something else are quoted") {
    for (const std::string text :
         {"yes",   "No",  "on",  "OFF",   "y",    "N",        "true",       "False",
          "null",  "~",   "",    "1",     "-1",   "+1",       "1.0",        "1e3",
          "0x1f",  "0o7", "017", "1_000", ".5",   ".inf",     ".NaN",       "-.INF",
          "=",     "<<",  "0b1", "1,000", "1:30", "12:30:45", "2026-01-01", "2026-01-01T00:00:00Z",
          "12e03", "1.",  "- a", "? a",   "a: b", "a #b",     "a:",         " a",
          "a ",    "#a",  "@a",  "`a",    "%a",   "&a",       "*a",         "!a",
          "|",     ">",   "[a",  "]",     "{a",   "}",        ",a",         "-",
          "?",     ":",   "---", "--- a", "...",  "\"a\"",    "'a'",        "NaN"}) {
        INFO(text);
        const auto quoted = scalar(text);
        CHECK((quoted.front() == '"' || quoted.front() == '\''));
        CHECK(parse_yaml(quoted).string() == text);
    }
}

TEST_CASE("strings that nothing can misread stay plain") {
    for (const std::string text : {"web",
                                   "nginx:1.25",
                                   "registry.example:5000/a/b@sha256:00ff",
                                   "/var/lib/data",
                                   "10.0.0.1",
                                   "1.2.3",
                                   "100Mi",
                                   "250m",
                                   "--flag=x",
                                   "-v",
                                   "a b",
                                   "it's",
                                   "a#b",
                                   "$(HOME)",
                                   "x*.example",
                                   "gr\xc3\xbc\xc3\x9f",
                                   "yesterday"}) {
        INFO(text);
        CHECK(scalar(text) == text);
        CHECK(parse_yaml(scalar(text)).string() == text);
    }
}

TEST_CASE("quotes are chosen for the reader") {
    CHECK(scalar("8080") == "\"8080\"");
    CHECK(scalar("{\"a\": 'x'}") == "'{\"a\": ''x''}'");
    CHECK(scalar("a\tb") == "\"a\\tb\"");
    CHECK(scalar("a\x01") == "\"a\\x01\"");
    CHECK(scalar("\xc2\x85\xe2\x80\xa8\xef\xbb\xbf") == "\"\\x85\\u2028\\ufeff\"");
    CHECK(scalar("bad\xff") == "\"bad\\ufffd\"");
}

TEST_CASE("texts of several lines are shown as they are") {
    CHECK(as_yaml(R"({"a":"#!/bin/sh\n\techo hi\n","b":"x\n\ny","c":["p\nq\n\n","z"]})") ==
          "a: |\n"
          "  #!/bin/sh\n"
          "  \techo hi\n"
          "b: |-\n"
          "  x\n"
          "\n"
          "  y\n"
          "c:\n"
          "- |+\n"
          "  p\n"
          "  q\n"
          "\n"
          "- z\n");
    CHECK(format_yaml(Json("a\nb")) == "|-\n  a\n  b\n");
}

TEST_CASE("texts no block can hold are escaped") {
    for (const std::string text :
         {"\n", "\na", " a\nb", "\ta\nb", "a\n  ", "a\n \nb", "a\r\nb", "a\n\x01"}) {
        INFO(text);
        CHECK(scalar(text).front() == '"');
        CHECK(parse_yaml(format_yaml(Json(text))).string() == text);
    }
}

TEST_CASE("long lines are not folded, long keys are found") {
    const std::string line = std::string(3000, 'x') + " " + std::string(3000, 'y');
    CHECK(scalar(line) == line);
    auto value = Json::object();
    value[std::string(2000, 'k')] = Json::array({1, 2});
    value[std::string(2000, 'm')] = Json::object({{"a", 1}});
    value["n"] = 1;
    CHECK(parse_yaml(format_yaml(value)) == value);
}

TEST_CASE("random values survive YAML") {
    SeededRandom random;
    for (int i = 0; i < 2000; ++i) {
        const auto value = random_json(random);
        INFO(format_json(value));
        CHECK(parse_yaml(format_yaml(value)) == value);
    }
}

TEST_CASE("PyYAML reads the same from random values") {
    SeededRandom random;
    auto values = Json::array();
    std::string documents;
    for (int i = 0; i < 300; ++i) {
        const auto value = without_numbers(random_json(random));
        values.push_back(value);
        documents += "---\n" + format_yaml(value);
    }
    const auto answer = read_by_python(documents);
    if (!answer) {
        SUCCEED("PyYAML is not installed");
        return;
    }
    REQUIRE(*answer != "failed");
    const auto read = parse_json(*answer);
    REQUIRE(read.items().size() == values.items().size());
    for (std::size_t i = 0; i < values.items().size(); ++i) {
        INFO(format_yaml(values.items()[i]));
        CHECK(format_json(read.items()[i]) == format_json(values.items()[i]));
    }
}
