// SPDX-License-Identifier: Apache-2.0
// What an unquoted YAML scalar means, for the reader, and which texts must be quoted, for the
// writer. Knows no documents, only single scalars.
#pragma once

#include "core/base/json.hpp"

#include <string_view>

namespace backup {

/// The value of a plain scalar as sigs.k8s.io/yaml reads it (go.yaml.in/yaml/v2 resolve.go): YAML
/// 1.1 booleans, numbers in all their forms, dates as strings. A number that JSON could hold keeps
/// its text. Throws InvalidArgument for .inf and .nan, which JSON cannot hold.
Json resolve_plain_scalar(std::string_view text);

/// True when any YAML 1.1 or 1.2 reader could take the plain scalar `text` for something else than
/// this string, or for more than one scalar.
bool needs_quotes(std::string_view text);

/// True when `text` has characters that can stand in YAML only as an escape of a double-quoted
/// scalar: control characters, line breaks other than \n, the byte order mark, non-characters, and
/// spaces nobody can see.
bool needs_escapes(std::string_view text);

}  // namespace backup
