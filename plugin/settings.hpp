// SPDX-License-Identifier: Apache-2.0
// Where the repository and its key are, decided from flags, environment and the configuration file.
// Pure: takes an environment map, reads only the configuration file; opens nothing.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace backup::plugin {

class ParsedCommand;

using Environment = std::map<std::string, std::string, std::less<>>;

/// The variable, or nothing when it is unset or empty.
std::optional<std::string> find_variable(const Environment& environment, std::string_view name);

struct Directories {
    std::filesystem::path config;  // $XDG_CONFIG_HOME/kubectl-backup
    std::filesystem::path data;    // $XDG_DATA_HOME/kubectl-backup
    std::filesystem::path cache;   // $XDG_CACHE_HOME/kubectl-backup
};

/// The XDG base directories, from $HOME where they are unset or relative (which the specification
/// says to ignore); throws InvalidArgument when $HOME is needed and missing.
Directories find_directories(const Environment& environment);

/// config.yaml; every field may be missing.
struct ConfigFile {
    std::optional<std::string> repository;
    std::optional<std::string> key_file;
    std::optional<std::string> passphrase_file;
    std::optional<std::string> passphrase_command;
};

/// Nothing set when there is no such file; throws InvalidArgument naming the file on bad content or
/// an unknown field.
ConfigFile read_config_file(const std::filesystem::path& path);

enum class Origin { Flag, Variable, ConfigFile, Default };

struct RepositoryLocation {
    std::string url;  // as given: a path or a URL
    Origin origin = Origin::Default;
};

/// At most one way to get the key is taken: the first of flags, environment, configuration file.
struct KeySource {
    enum class Kind { DefaultFile, File, PassphraseFile, PassphraseVariable, PassphraseCommand };
    Kind kind = Kind::DefaultFile;
    std::string value;  // path or command line; never the passphrase itself
};

struct Settings {
    Directories directories;
    RepositoryLocation repository;
    KeySource key;
};

/// Throws Usage when the flags name more than one key.
Settings decide_settings(const ParsedCommand& arguments, const Environment& environment);

/// keys/<id>.key in the configuration directory.
std::filesystem::path default_key_file(const Directories& directories,
                                       std::string_view repository_id);

}  // namespace backup::plugin
