// SPDX-License-Identifier: Apache-2.0
// YAML as people of Kubernetes write it, to and from Json. The door to yaml-cpp is yaml.cpp.
#pragma once

#include "core/base/json.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace backup {

/// The first document. Plain scalars get their type by the rules of sigs.k8s.io/yaml (YAML 1.1
/// booleans and numbers as Go's yaml.v2 reads them); aliases are expanded within a size limit.
/// Throws InvalidArgument with the line.
Json parse_yaml(std::string_view text);

/// Where the parts of a document stand, for messages about what they say: the line (from 1) of an
/// item, of a member the line of its name. `parts` is parallel to the items or members of the
/// value; parts of an alias or a merged map have none of their own.
struct YamlLines {
    std::size_t line = 0;
    std::vector<YamlLines> parts;
};

struct LocatedYaml {
    Json value;
    YamlLines lines;
};

LocatedYaml parse_located_yaml(std::string_view text);

/// Block style, keys in the order of the value. Every string that any YAML 1.1 or 1.2 reader could
/// take for something else is quoted: parse_yaml(format_yaml(x)) == x, and kubectl agrees.
std::string format_yaml(const Json& value);

}  // namespace backup
