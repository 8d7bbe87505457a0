// SPDX-License-Identifier: Apache-2.0
// Gets the key or passphrase of a repository from where the settings say. The secret itself never
// goes into a log line, an error or a process argument.
#pragma once

#include "core/repository/repository.hpp"
#include "plugin/settings.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace backup::plugin {

/// The passphrase, its line end cut off; nothing when the key comes from a file. Throws
/// InvalidArgument when it is empty, NotFound or Io when it cannot be read.
std::optional<std::string> find_passphrase(const KeySource& source, const Environment& environment);

/// What opens the repository with this id. Throws KeyMissing naming the file, WrongKey when the
/// file belongs to another repository.
repository::Secret load_secret(const Settings& settings,
                               const Environment& environment,
                               const repository::RepositoryId& id);

/// Where the key file of a repository is, or will be put.
std::filesystem::path key_file_path(const Settings& settings, const repository::RepositoryId& id);

}  // namespace backup::plugin
