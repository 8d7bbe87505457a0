// SPDX-License-Identifier: Apache-2.0
// The names in the tree of a point: docs/format.md section 6.4, docs/tree.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace backup::repository {

inline constexpr std::string_view kObjectsDirectory = "objects";
inline constexpr std::string_view kClusterDirectory = "cluster";
inline constexpr std::string_view kNamespacesDirectory = "namespaces";
inline constexpr std::string_view kVolumesDirectory = "volumes";
inline constexpr std::string_view kExtraDirectory = "extra";
/// In kExtraDirectory, by namespace: what commands of the application printed.
inline constexpr std::string_view kCommandsDirectory = "commands";
/// In kExtraDirectory: JSON array of {group, version, kind, plural, singular, namespaced}.
inline constexpr std::string_view kResourcesFile = "resources.json";

/// An object's name as a file name of at most 250 bytes: '/', '%', NUL and control characters
/// become %XX, "." and ".." are escaped whole, the empty name is "%". What would be longer is cut
/// and ends in "%~" and 32 digits of its SHA-256: such a name is had back from the object only.
std::string escape_name(std::string_view name);

/// The reverse; nothing when `escaped` was cut or is no escaped name.
std::optional<std::string> unescape_name(std::string_view escaped);

}  // namespace backup::repository
