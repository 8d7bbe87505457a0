// SPDX-License-Identifier: Apache-2.0
// Walks the outermost level of a JSON text and gives the exact bytes of each part, without building
// a value: a list of a hundred megabytes is cut into its items at memory speed. The level that is
// walked is checked strictly; inside a part only brackets and strings are (parse_json does the
// rest).
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace backup::model {

/// `visit` gets the decoded name and the bytes of the value. White space around the object is
/// allowed. Throws InvalidArgument with the byte offset; also on nesting deeper than 512.
void for_each_member(
    std::string_view object,
    const std::function<void(std::string_view name, std::string_view value)>& visit);

/// The same for the items of an array.
void for_each_item(std::string_view array, const std::function<void(std::string_view item)>& visit);

/// The text of a JSON string value, escapes resolved; throws InvalidArgument when it is no string.
std::string decode_string(std::string_view value);

}  // namespace backup::model
